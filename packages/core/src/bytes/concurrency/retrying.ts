import type { Key } from "../key.ts";
import { compareKeys } from "../key-order.ts";
import { isReplayable, type ObjectBody, objectBody } from "../object-body.ts";
import type { ByteRange, GetOptions, GetResult, ListPage, StorageBackend } from "../storage-backend.ts";
import { isStorageError } from "../storage-error.ts";
import { verifiedBody } from "../verified-body.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy, retryOperation, waitOrThrow } from "./retry-operation.ts";

/**
 * A backend that repeats what failed and is safe to repeat, and that resumes a body which broke off, from the
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
      // A body that is resumed comes in pieces, so the whole of it is verified here.
      const { verify = false, ...inner } = options ?? {};
      const first = await attempt(inner.signal, key, () => backend.get(key, inner));
      const body = resuming(backend, policy, key, inner, first);
      return {
        info: first.info,
        body: verify ? verifiedBody(backend.name, first.info, inner.range, body) : body,
      };
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
