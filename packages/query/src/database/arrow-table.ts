import { yieldIfDue } from "@parquetry/core/unstable";
import type { Batch } from "@uwdata/flechette";
import type { DuckDbResult } from "../duckdb/duckdb.ts";
import { type ArrowColumn, arrowColumn } from "../duckdb/results/arrow/arrow-column.ts";
import type { ArrowResult } from "./query-result.ts";
import { checkByteCount, type ResultLimit } from "./result-limit.ts";

/** Makes an Arrow table of a result, one record batch for each batch. */
export async function arrowTable(
  result: DuckDbResult,
  limit: ResultLimit,
): Promise<Pick<ArrowResult, "table" | "toIpc">> {
  const arrow = await import("@uwdata/flechette");
  let columns: readonly ArrowColumn[] = [];
  const batches: Batch<unknown>[][] = result.columns.map(() => []);
  let bytes = 0;
  for await (const { rowCount, columns: raw } of result.rawBatches()) {
    if (columns.length === 0)
      columns = raw.map((column, c) => arrowColumn(arrow, result.columns[c]?.name ?? "", column));
    for (const [c, column] of raw.entries()) {
      const batch = columns[c]?.batch(column, rowCount);
      if (batch === undefined) continue;
      bytes += bytesOf(batch);
      batches[c]?.push(batch);
    }
    checkByteCount(bytes, limit);
    await yieldIfDue();
  }
  const { Version, Endianness } = arrow;
  const fields = columns.map(({ type }, c) => arrow.field(result.columns[c]?.name ?? "", type));
  const table = new arrow.Table(
    { version: Version.V5, endianness: Endianness.Little, fields, metadata: null },
    columns.map(({ type }, c) => new arrow.Column(batches[c] ?? [], type)),
  );
  // It returns null only where it writes to a sink.
  return { table, toIpc: () => arrow.tableToIPC(table, { format: "file" }) ?? new Uint8Array() };
}

function bytesOf({ validity, values, offsets, children }: Batch<unknown>): number {
  const own = [validity, values, offsets].reduce((sum, array) => sum + (array?.byteLength ?? 0), 0);
  return (children ?? []).reduce((sum, child) => sum + bytesOf(child), own);
}
