import type { StorageError } from "@parquetry/core";
import { invalid } from "@parquetry/core/unstable";
import type { ColumnBatch } from "../duckdb/duckdb.ts";

/** The size of every value that is neither a string nor bytes. */
const VALUE_BYTES = 8;

/** How large a result may be. */
export interface ResultLimit {
  /** The most rows. Default: no limit. */
  readonly maxRows?: number | undefined;
  /**
   * The most bytes. Strings count one byte per UTF-16 unit, BLOBs their length, every other value 8 bytes; a Parquet file counts
   * its size. Default: no limit.
   */
  readonly maxBytes?: number | undefined;
}

/**
 * Refuses a result with too many rows.
 *
 * @throws StorageError `invalid_argument`.
 */
export function checkRowCount(rowCount: number, { maxRows }: ResultLimit): void {
  if (maxRows !== undefined && rowCount > maxRows) {
    throw tooLarge(`more than ${maxRows} rows`, "maxRows");
  }
}

/**
 * Refuses a result of too many bytes.
 *
 * @throws StorageError `invalid_argument`.
 */
export function checkByteCount(bytes: number, { maxBytes }: ResultLimit): void {
  if (maxBytes !== undefined && bytes > maxBytes) throw tooLarge(`more than ${maxBytes} bytes`, "maxBytes");
}

/**
 * Passes the batches of a result on, and fails when there are too many rows or bytes.
 *
 * @throws StorageError `invalid_argument`.
 */
export async function* limitedBatches(
  result: { batches(): AsyncIterable<ColumnBatch> },
  limit: ResultLimit,
): AsyncGenerator<ColumnBatch> {
  let bytes = 0;
  let rows = 0;
  for await (const batch of result.batches()) {
    rows += batch.rowCount;
    checkRowCount(rows, limit);
    if (limit.maxBytes !== undefined) {
      bytes += batchBytes(batch);
      checkByteCount(bytes, limit);
    }
    yield batch;
  }
}

/** The bytes of a batch as {@link ResultLimit} counts them. */
function batchBytes({ values }: ColumnBatch): number {
  return values.reduce(
    (sum, column) => column.reduce((inner: number, value) => inner + valueBytes(value), sum),
    0,
  );
}

function valueBytes(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== "object" || value === null || value instanceof Date) return VALUE_BYTES;
  return Object.values(value).reduce((sum: number, inner) => sum + valueBytes(inner), VALUE_BYTES);
}

function tooLarge(size: string, option: string): StorageError {
  return invalid(
    "sql",
    `the result has ${size}. Reduce it (LIMIT, WHERE, fewer columns, an aggregate), read it in batches with stream(), or raise ${option}`,
  );
}
