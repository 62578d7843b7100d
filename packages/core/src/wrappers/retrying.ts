import { setTimeout as sleep } from "node:timers/promises";
import { abortedError, throwIfAborted } from "../backend/abort.ts";
import { isReplayable, type ObjectBody, objectBody } from "../backend/object-body.ts";
import type {
  ByteRange,
  GetOptions,
  GetResult,
  ListPage,
  StorageBackend,
} from "../backend/storage-backend.ts";
import type { Key } from "../key.ts";
import { compareKeys } from "../key-order.ts";
import { isStorageError, StorageError } from "../storage-error.ts";

/** How long and how often {@link retrying} tries. */
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
 * A backend that repeats what failed and is safe to repeat, with full-jitter exponential backoff (Marc Brooker,
 * "Exponential Backoff and Jitter", AWS Architecture Blog, 2015), and that resumes a body which broke off, from the
 * byte it broke at and only while the object is unchanged. A put is repeated where its body can be read again; a
 * conditional put only where the backend says that the failed try left nothing behind.
 *
 * @example
 * ```ts
 * const backend = retrying(bare, { ...DEFAULT_RETRY_POLICY, maxAttempts: 3 });
 * ```
 */
export function retrying(
  backend: StorageBackend,
  policy: RetryPolicy = DEFAULT_RETRY_POLICY,
): StorageBackend {
  const attempt = <T>(
    signal: AbortSignal | undefined,
    path: string,
    run: () => Promise<T>,
    canRepeat = true,
  ): Promise<T> => retryOperation(policy, backend.name, signal, path, run, canRepeat);

  return {
    name: backend.name,
    capabilities: backend.capabilities,
    url: (key) => backend.url(key),
    head: (key, options) => attempt(options?.signal, key, () => backend.head(key, options)),
    async get(key, options) {
      const first = await attempt(options?.signal, key, () => backend.get(key, options));
      return { info: first.info, body: resuming(backend, policy, key, options ?? {}, first) };
    },
    put(key, body, options) {
      const canRepeat = body instanceof Uint8Array || isReplayable(body);
      return attempt(options?.signal, key, () => backend.put(key, body, options), canRepeat);
    },
    copy: (from, to, options) => attempt(options?.signal, from, () => backend.copy(from, to, options)),
    async *list(options = {}): AsyncGenerator<ListPage> {
      let startAfter = options.startAfter;
      let attempts = 0;
      const startedAt = performance.now();
      for (;;) {
        try {
          for await (const page of backend.list({ ...options, startAfter })) {
            attempts = 0;
            yield page;
            startAfter = lastName(page) ?? startAfter;
          }
          return;
        } catch (error) {
          attempts++;
          await waitOrThrow(
            policy,
            backend.name,
            options.signal,
            options.prefix ?? "",
            error,
            attempts,
            startedAt,
          );
        }
      }
    },
    async *delete(keys, options) {
      for await (const result of backend.delete(keys, options)) {
        if (result.error === undefined || result.error.retry !== "safe") {
          yield result;
          continue;
        }
        const { key } = result;
        try {
          await attempt(options?.signal, key, async () => {
            for await (const again of backend.delete([key], options))
              if (again.error !== undefined) throw again.error;
          });
          yield { key };
        } catch (error) {
          if (!isStorageError(error)) throw error;
          yield { key, error };
        }
      }
    },
    close: () => backend.close(),
  };
}

/** The name a listing resumes after: the last object or child prefix of a page. Both are sorted; pages never overlap. */
function lastName(page: ListPage): string | undefined {
  const object = page.objects.at(-1)?.key;
  const prefix = page.prefixes.at(-1);
  const folder = prefix === undefined ? undefined : `${prefix}/`;
  if (object === undefined) return folder;
  if (folder === undefined) return object;
  return compareKeys(object, folder) > 0 ? object : folder;
}

async function retryOperation<T>(
  policy: RetryPolicy,
  backend: string,
  signal: AbortSignal | undefined,
  path: string,
  run: () => Promise<T>,
  canRepeat: boolean,
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

/** Waits before the next try, or throws where there is none: not safe to repeat, tries or time used up, aborted. */
async function waitOrThrow(
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
    const { code, op, retryAfterMs, cause, message } = error;
    const told = `${message} Tried ${attempts} times in ${(elapsedMs / 1000).toFixed(1)} s.`;
    throw new StorageError({ code, op, path, backend, attempts, retryAfterMs, cause, message: told });
  }
  policy.onRetry?.(error, attempts, delayMs);
  throwIfAborted(signal, error.op, path, backend);
  try {
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch (aborted) {
    throw signal?.aborted ? abortedError(signal, error.op, path, backend) : aborted;
  }
}

/** A body that goes on from where it broke off, as long as the object is the same. */
function resuming(
  backend: StorageBackend,
  policy: RetryPolicy,
  key: Key,
  options: GetOptions,
  first: GetResult,
): ObjectBody {
  let current = first.body;
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const { start, end } = absoluteRange(options.range, first.info.sizeBytes);
    let position = start;
    let attempts = 0;
    const startedAt = performance.now();
    for (;;) {
      try {
        for await (const chunk of current) {
          attempts = 0;
          position += chunk.byteLength;
          yield chunk;
        }
        return;
      } catch (error) {
        if (position >= end) throw error;
        attempts++;
        await waitOrThrow(policy, backend.name, options.signal, key, error, attempts, startedAt);
        const rest: GetOptions = { ...options, range: { start: position, end }, ifMatch: first.info.etag };
        const again = await retryOperation(
          policy,
          backend.name,
          options.signal,
          key,
          () => backend.get(key, rest),
          true,
        );
        current = again.body;
      }
    }
  }
  return objectBody(chunks(), () => current.cancel());
}

function absoluteRange(range: ByteRange | undefined, sizeBytes: number): { start: number; end: number } {
  if (range === undefined) return { start: 0, end: sizeBytes };
  if ("last" in range) return { start: Math.max(0, sizeBytes - range.last), end: sizeBytes };
  return { start: range.start, end: Math.min(range.end ?? sizeBytes, sizeBytes) };
}
