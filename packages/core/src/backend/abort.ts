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
