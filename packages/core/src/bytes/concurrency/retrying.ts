import { abilitiesOf, type UnfinishedUpload, withAbilities } from "../abilities.ts";
import { checkOptions } from "../check-arguments.ts";
import { checkBackend } from "../check-backend.ts";
import { checked, unchecked } from "../checked.ts";
import type { Key } from "../key.ts";
import { compareKeys } from "../key-order.ts";
import { isReplayable, type ObjectBody, objectBody } from "../object-body.ts";
import type { ByteRange, GetOptions, GetResult, ListPage, StorageBackend } from "../storage-backend.ts";
import { isStorageError } from "../storage-error.ts";
import { verifiedBody } from "../verified-body.ts";
import {
  DEFAULT_RETRY_POLICY,
  RETRY_OPTIONS,
  Retries,
  type RetryPolicy,
  retryOperation,
} from "./retry-operation.ts";

/**
 * Returns a backend that repeats failed operations where that is safe, and resumes a body that broke off from the byte it
 * broke at, as long as the object is unchanged. A put is repeated if its body can be read again; a conditional put only if
 * the backend reports that the failed attempt left nothing behind.
 *
 * @example
 * ```ts
 * const backend = retrying(bare, { ...DEFAULT_RETRY_POLICY, maxAttempts: 3 });
 * ```
 */
export function retrying(inner: StorageBackend, policy: RetryPolicy = DEFAULT_RETRY_POLICY): StorageBackend {
  checkBackend(inner, "inner", "retrying");
  checkOptions(policy, RETRY_OPTIONS, "retrying", "policy");
  const backend = unchecked(inner);
  const retriesOf = (signal: AbortSignal | undefined, path: string): Retries =>
    new Retries(policy, backend.name, signal, path);
  const attempt = <T>(
    signal: AbortSignal | undefined,
    path: string,
    run: () => Promise<T>,
    canRepeat = true,
  ): Promise<T> => retryOperation(policy, backend.name, signal, path, run, canRepeat);

  const wrapped: StorageBackend = {
    name: backend.name,
    capabilities: backend.capabilities,
    url: (key) => backend.url(key),
    head: (key, options) => attempt(options?.signal, key, () => backend.head(key, options)),
    async get(key, options) {
      // A resumed body consists of several gets, so it is verified as a whole here.
      const { verify = false, ...rest } = options ?? {};
      const first = await attempt(rest.signal, key, () => backend.get(key, rest));
      const body = resuming(backend, policy, key, rest, first);
      return {
        info: first.info,
        body: verify ? verifiedBody(backend.name, first.info, rest.range, body) : body,
      };
    },
    put(key, body, options) {
      const canRepeat = body instanceof Uint8Array || isReplayable(body);
      return attempt(options?.signal, key, () => backend.put(key, body, options), canRepeat);
    },
    copy: (from, to, options) => attempt(options?.signal, from, () => backend.copy(from, to, options)),
    async *list(options = {}): AsyncGenerator<ListPage> {
      let startAfter = options.startAfter;
      const retries = retriesOf(options.signal, options.prefix ?? "");
      for (;;) {
        try {
          for await (const page of backend.list({ ...options, startAfter })) {
            retries.progress();
            yield page;
            startAfter = lastName(page) ?? startAfter;
          }
          return;
        } catch (error) {
          await retries.wait(error);
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
  const { hashedReads, hashedWrites, resumableUploads, ...others } = abilitiesOf(backend);
  return checked(
    withAbilities(wrapped, {
      ...others,
      hashedReads: hashedReads && {
        ...hashedReads,
        read: (key, version, options) =>
          attempt(options?.signal, key, () => hashedReads.read(key, version, options)),
        hashTogether:
          hashedReads.hashTogether &&
          ((versions, options) =>
            attempt(
              options?.signal,
              versions[0]?.key ?? "",
              async () => hashedReads.hashTogether?.(versions, options) ?? [],
            )),
      },
      hashedWrites: hashedWrites && {
        ...hashedWrites,
        put: (key, body, options) => attempt(options.signal, key, () => hashedWrites.put(key, body, options)),
      },
      resumableUploads: resumableUploads && {
        async upload(key, body, options) {
          const retries = retriesOf(options.signal, key);
          let state = options.resume;
          // An upload that the store has lost begins again: parts are progress only beyond those that it had before.
          let mostParts = state?.parts.length ?? 0;
          for (;;) {
            try {
              return await resumableUploads.upload(key, body, {
                ...options,
                resume: state,
                onState(next) {
                  if (next.parts.length > mostParts) retries.progress();
                  mostParts = Math.max(mostParts, next.parts.length);
                  state = next;
                  return options.onState(next);
                },
              });
            } catch (error) {
              await retries.wait(error);
            }
          }
        },
        async *list(prefix = "", options): AsyncGenerator<UnfinishedUpload> {
          const seen = new Set<string>();
          const retries = retriesOf(options?.signal, prefix);
          for (;;) {
            try {
              for await (const upload of resumableUploads.list(prefix, options)) {
                if (seen.has(upload.uploadId)) continue;
                retries.progress();
                seen.add(upload.uploadId);
                yield upload;
              }
              return;
            } catch (error) {
              await retries.wait(error);
            }
          }
        },
        abort: (upload, options) =>
          attempt(options?.signal, upload.key, () => resumableUploads.abort(upload, options)),
      },
    }),
  );
}

/** The name after which a listing resumes: the last object or child prefix of a page. Both are sorted; pages never overlap. */
function lastName(page: ListPage): string | undefined {
  const object = page.objects.at(-1)?.key;
  const prefix = page.prefixes.at(-1);
  const folder = prefix === undefined ? undefined : `${prefix}/`;
  if (object === undefined) return folder;
  if (folder === undefined) return object;
  return compareKeys(object, folder) > 0 ? object : folder;
}

/** A body that resumes where it broke off, as long as the object is the same. */
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
    const retries = new Retries(policy, backend.name, options.signal, key);
    for (;;) {
      try {
        for await (const chunk of current) {
          retries.progress();
          position += chunk.byteLength;
          yield chunk;
        }
        return;
      } catch (error) {
        if (position >= end) throw error;
        await retries.wait(error);
        const rest: GetOptions = { ...options, range: { start: position, end }, ifMatch: first.info.etag };
        const again = await retryOperation(policy, backend.name, options.signal, key, () =>
          backend.get(key, rest),
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
