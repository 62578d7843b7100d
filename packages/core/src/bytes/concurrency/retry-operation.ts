import { setTimeout as sleep } from "node:timers/promises";
import { abortedError, throwIfAborted } from "../abort.ts";
import { isStorageError, StorageError } from "../storage-error.ts";

/** How long and how often a failed operation is tried. */
export interface RetryPolicy {
  /** The most tries of one operation, the first included. Default {@link DEFAULT_RETRY_POLICY}. */
  readonly maxAttempts: number;
  /** No further try starts after this long, in milliseconds. */
  readonly budgetMs: number;
  /** The wait before the second try is random between 0 and this, and doubles for each further one, in milliseconds. */
  readonly baseDelayMs: number;
  /** The longest wait, in milliseconds. */
  readonly maxDelayMs: number;
  /** Told before each wait. */
  readonly onRetry?: ((error: StorageError, attempt: number, delayMs: number) => void) | undefined;
}

/** Ten tries within three minutes, waits growing from 100 ms to 20 s. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 10,
  budgetMs: 180_000,
  baseDelayMs: 100,
  maxDelayMs: 20_000,
};

/**
 * Runs an operation until it succeeds, fails in a way that is not safe to repeat, or the policy is used up.
 *
 * @throws StorageError of the last try, with the number of tries; `aborted` where the signal fired.
 * @example
 * ```ts
 * await retryOperation(DEFAULT_RETRY_POLICY, "s3", signal, key, () => sendPart(part));
 * ```
 */
export async function retryOperation<T>(
  policy: RetryPolicy,
  backend: string,
  signal: AbortSignal | undefined,
  path: string,
  run: () => Promise<T>,
  canRepeat = true,
): Promise<T> {
  const startedAt = performance.now();
  for (let attempts = 1; ; attempts++) {
    try {
      return await run();
    } catch (error) {
      if (!canRepeat) throw error;
      await waitOrThrow(policy, backend, signal, path, error, attempts, startedAt);
    }
  }
}

/**
 * Waits before the next try, or throws where there is none: not safe to repeat, tries or time used up, aborted. The wait
 * is random up to a limit that doubles (full jitter: Marc Brooker, "Exponential Backoff and Jitter", AWS Architecture
 * Blog, 2015), and at least as long as the store asked for.
 */
export async function waitOrThrow(
  policy: RetryPolicy,
  backend: string,
  signal: AbortSignal | undefined,
  path: string,
  error: unknown,
  attempts: number,
  startedAt: number,
): Promise<void> {
  if (!isStorageError(error) || error.retry !== "safe") throw error;
  const backoff = Math.random() * Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempts - 1));
  const delayMs = Math.max(backoff, error.retryAfterMs ?? 0);
  const elapsedMs = performance.now() - startedAt;
  if (attempts >= policy.maxAttempts || elapsedMs + delayMs > policy.budgetMs) {
    if (attempts === 1) throw error;
    const { code, op, storeCode, retryAfterMs, cause } = error;
    const message = `${error.message} Tried ${attempts} times in ${(elapsedMs / 1000).toFixed(1)} s.`;
    throw new StorageError({ code, op, path, backend, storeCode, attempts, retryAfterMs, cause, message });
  }
  policy.onRetry?.(error, attempts, delayMs);
  throwIfAborted(signal, error.op, path, backend);
  try {
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch (aborted) {
    throw signal?.aborted ? abortedError(signal, error.op, path, backend) : aborted;
  }
}
