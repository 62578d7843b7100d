import { isYieldDue, yieldIfDue } from "@parquetry/core/unstable";
import type { CallOptions, ColumnBatch, ResultOptions } from "../duckdb.ts";
import { interrupted } from "../interruptible.ts";
import { decodeColumn } from "./decode-column.ts";
import type { RawBatch } from "./raw-column.ts";

/** Converts batches; other work runs in between, and the signal ends it. */
export async function* decodeBatches(
  batches: AsyncIterable<RawBatch>,
  options: ResultOptions & CallOptions,
): AsyncGenerator<ColumnBatch> {
  for await (const { rowCount, columns } of batches) {
    if (rowCount === 0) continue;
    const values: unknown[][] = [];
    for (const column of columns) {
      values.push(decodeColumn(column, rowCount, options));
      if (!isYieldDue()) continue;
      await yieldIfDue();
      if (options.signal?.aborted === true) throw interrupted();
    }
    yield { rowCount, values };
  }
}
