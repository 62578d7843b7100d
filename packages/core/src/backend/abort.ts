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

const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back when the signal fires; the function that is returned takes that back. However many wait for one signal, each
 * costs the same: an EventTarget looks through all of its listeners whenever one comes or goes, and hundreds of operations
 * are in flight under one signal.
 *
 * @example
 * ```ts
 * const forget = onAbort(signal, () => request.destroy());
 * request.once("close", forget);
 * ```
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const callbacks = waiting.get(signal) ?? listen(signal);
  callbacks.add(callback);
  return () => callbacks.delete(callback);
}

function listen(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>();
  waiting.set(signal, callbacks);
  const callAll = (): void => {
    for (const callback of callbacks) callback();
    callbacks.clear();
  };
  signal.addEventListener("abort", callAll, { once: true });
  return callbacks;
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
  let forget = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else forget = onAbort(signal, () => reject(signal.reason));
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    forget();
  }
}
