import { StorageError } from "./storage-error.ts";

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

/** Somebody who waits for a signal, and no longer. */
interface Waiter {
  callback: (() => void) | undefined;
}

const waiting = new WeakMap<AbortSignal, Set<Waiter>>();

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
  const waiters = waiting.get(signal) ?? listen(signal);
  const waiter: Waiter = { callback };
  waiters.add(waiter);
  return () => {
    waiters.delete(waiter);
    // A Set that many come to and leave is copied over and over, and V8 keeps what old copies hold until its next full
    // collection: not, through a callback, a request with its body.
    waiter.callback = undefined;
  };
}

function listen(signal: AbortSignal): Set<Waiter> {
  const waiters = new Set<Waiter>();
  waiting.set(signal, waiters);
  const callAll = (): void => {
    for (const { callback } of waiters) callback?.();
    waiters.clear();
  };
  signal.addEventListener("abort", callAll, { once: true });
  return waiters;
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
