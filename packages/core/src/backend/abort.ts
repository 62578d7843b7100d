import { StorageError } from "../storage-error.ts";

/**
 * Throws where the caller's signal has fired.
 *
 * @throws StorageError `aborted`.
 */
export function throwIfAborted(
  signal: AbortSignal | undefined,
  op: string,
  path: string,
  backend: string,
): void {
  if (signal?.aborted) throw abortedError(signal, op, path, backend);
}

/** The error of an aborted operation. A `AbortSignal.timeout()` that fired is a `timeout`, any other is `aborted`. */
export function abortedError(signal: AbortSignal, op: string, path: string, backend: string): StorageError {
  const timedOut = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
  return new StorageError({
    code: timedOut ? "timeout" : "aborted",
    op,
    path,
    backend,
    retry: "never",
    message: `${op} ${path}: ${timedOut ? "the caller's time limit passed" : "aborted by the caller"}.`,
    cause: signal.reason,
  });
}

/**
 * The value of a promise, or a rejection as soon as the signal fires, whatever becomes of the promise.
 *
 * @throws what the signal's reason is.
 * @example
 * ```ts
 * const credentials = await unlessAborted(loading, signal);
 * ```
 */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  const stop = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true, signal: stop.signal });
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    stop.abort();
  }
}
