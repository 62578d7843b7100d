import { invalid } from "../bytes/check-arguments.ts";
import type { RowLike } from "../bytes/row.ts";
import { showValue } from "../bytes/show-value.ts";
import { isStorageError } from "../bytes/storage-error.ts";
import { throwsWhenRead } from "../bytes/throws-when-read.ts";

/** Runs what reads the caller's rows, whose code may throw. A failure for another reason is left as it is. */
export async function readingRows<T>(op: string, given: unknown, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (isStorageError(error) || !throwsWhenRead(given)) throw error;
    throw invalid(
      op,
      `the rows or the schema cannot be read: ${error instanceof Error ? error.message : showValue(error)}`,
      error,
    );
  }
}

/** Returns whether the rows come in batches. */
export function isAsyncIterable(rows: unknown): rows is AsyncIterable<readonly RowLike[]> {
  return typeof rows === "object" && rows !== null && Symbol.asyncIterator in rows;
}

/** Yields the caller's batches, and notes in `given` the one that is being used. */
export async function* noteBatches(
  batches: AsyncIterable<readonly RowLike[]>,
  given: { rows: unknown },
): AsyncGenerator<readonly RowLike[]> {
  try {
    for await (const batch of batches) {
      given.rows = batch;
      yield batch;
    }
  } catch (error) {
    if (isStorageError(error)) throw error;
    throw invalid(
      "writeParquet",
      `the batches of rows ended with an error: ${error instanceof Error ? error.message : showValue(error)}`,
      error,
    );
  }
}
