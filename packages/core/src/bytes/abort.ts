import { StorageError } from "./storage-error.ts";

/**
 * Throws if the caller's signal has fired.
 *
 * @throws StorageError `aborted`, or `timeout` for an `AbortSignal.timeout()`.
 * @example
 * ```ts
 * throwIfAborted(options?.signal, "get", key, "mine");
 * ```
 */
export function throwIfAborted(
  signal: AbortSignal | undefined,
  op: string,
  path: string,
  backend?: string,
): void {
  if (signal?.aborted) throw abortedError(signal, op, path, backend);
}

/**
 * Returns the error of an aborted operation: `timeout` if an `AbortSignal.timeout()` fired, else `aborted`.
 *
 * @example
 * ```ts
 * onAbort(signal, () => reject(abortedError(signal, "get", key, "mine")));
 * ```
 */
export function abortedError(signal: AbortSignal, op: string, path: string, backend?: string): StorageError {
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

/** A callback that waits for a signal; cleared once it no longer does. */
interface Waiter {
  callback: (() => void) | undefined;
}

const waiting = new WeakMap<AbortSignal, Set<Waiter>>();

/**
 * Calls back when the signal fires; the returned function cancels that. The cost is constant however many callbacks wait for
 * one signal, whereas an EventTarget searches all of its listeners whenever one is added or removed, and hundreds of
 * operations run under one signal.
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
    // V8 copies a Set whose entries change often and keeps the old copies until its next full collection. Without this, they
    // would keep requests and their bodies alive through the callbacks.
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
 * Returns the value of a promise, or rejects as soon as the signal fires, whether or not the promise settles.
 *
 * @throws the signal's reason.
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
