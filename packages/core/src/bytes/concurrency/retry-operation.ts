import { sleep } from "#platform";
import { abortedError, throwIfAborted } from "../abort.ts";
import type { OptionKinds } from "../check-arguments.ts";
import { isStorageError, StorageError } from "../storage-error.ts";

/** How long and how often a failed operation is repeated. */
export interface RetryPolicy {
  /** The most attempts of one operation, including the first, without progress in between. */
  readonly maxAttempts: number;
  /** No further attempt starts after this long without progress (a page, chunk or part), in milliseconds. */
  readonly budgetMs: number;
  /** The wait before the second attempt is random between 0 and this, in milliseconds; doubled for each further one. */
  readonly baseDelayMs: number;
  /** The longest wait, in milliseconds. */
  readonly maxDelayMs: number;
  /** Called before each wait. */
  readonly onRetry?: ((error: StorageError, attempt: number, delayMs: number) => void) | undefined;
}

/** Ten attempts within three minutes, with waits that grow from 100 ms to 20 s. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 10,
  budgetMs: 180_000,
  baseDelayMs: 100,
  maxDelayMs: 20_000,
};

/** The kinds of the fields of a {@link RetryPolicy}. */
export const RETRY_OPTIONS: OptionKinds<RetryPolicy> = {
  maxAttempts: "count",
  budgetMs: "number",
  baseDelayMs: "number",
  maxDelayMs: "number",
  onRetry: "function",
};

/**
 * Runs an operation until it succeeds, fails in a way that is not safe to repeat, or the policy is used up.
 *
 * @param canRepeat false where the operation cannot be run a second time, so that its first failure is thrown.
 * @throws StorageError of the last attempt, with the number of attempts; `aborted` where the signal fired.
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
  const retries = new Retries(policy, backend, signal, path);
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!canRepeat) throw error;
      await retries.wait(error);
    }
  }
}

/** The failed attempts of one operation since it last made progress. */
export class Retries {
  readonly #policy: RetryPolicy;
  readonly #backend: string;
  readonly #signal: AbortSignal | undefined;
  readonly #path: string;
  #attempts = 0;
  #startedAt = performance.now();

  constructor(policy: RetryPolicy, backend: string, signal: AbortSignal | undefined, path: string) {
    this.#policy = policy;
    this.#backend = backend;
    this.#signal = signal;
    this.#path = path;
  }

  /** A page, a chunk or a part came through: attempts and time are counted from here. */
  progress(): void {
    this.#attempts = 0;
    this.#startedAt = performance.now();
  }

  /**
   * Waits before the next attempt, or throws where there is none: not safe to repeat, attempts or time used up, aborted. The
   * wait is random up to a limit that doubles (full jitter: Marc Brooker, "Exponential Backoff and Jitter", AWS
   * Architecture Blog, 2015), and at least as long as the store asked for.
   */
  async wait(error: unknown): Promise<void> {
    if (!isStorageError(error) || error.retry !== "safe") throw error;
    const policy = this.#policy;
    const attempts = ++this.#attempts;
    const backoff = Math.random() * Math.min(policy.maxDelayMs, policy.baseDelayMs * 2 ** (attempts - 1));
    const delayMs = Math.max(backoff, error.retryAfterMs ?? 0);
    const elapsedMs = performance.now() - this.#startedAt;
    const [backend, signal, path] = [this.#backend, this.#signal, this.#path];
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
}
