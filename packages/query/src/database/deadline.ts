import { isStorageError, StorageError } from "@parquetry/core";

/** Runs with a signal that fires at the caller's signal or after the time is up, and tells which of the two it was. */
export async function withDeadline<T>(
  options: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number | undefined },
  run: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const { signal, timeoutMs } = options;
  if (timeoutMs === undefined) return run(signal);
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    return await run(signal === undefined ? timeout : AbortSignal.any([signal, timeout]));
  } catch (error) {
    if (!timeout.aborted || signal?.aborted === true || !isStorageError(error, "aborted")) throw error;
    throw new StorageError({
      code: "timeout",
      op: "sql",
      retry: "never",
      message: `sql: no answer within ${timeoutMs} ms. Ask for fewer partitions, or raise timeoutMs.`,
    });
  }
}
