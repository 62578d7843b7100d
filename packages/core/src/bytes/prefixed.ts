import { Buffer } from "#platform";
import { abilitiesOf, type BackendAbilities, type UnfinishedUpload, withAbilities } from "./abilities.ts";
import { checkBackend } from "./check-backend.ts";
import { checked, unchecked } from "./checked.ts";
import { joinKey, type Key, type Prefix, parseKey } from "./key.ts";
import type { DeleteResult, ListPage, ObjectInfo, StorageBackend } from "./storage-backend.ts";

/**
 * Returns a backend over the objects below `prefix` of another one, with keys relative to it. Closing it closes the other.
 *
 * @example
 * ```ts
 * const team = prefixed(bucket, parsePrefix("teams/football"));
 * await team.head(parseKey("raw/x")); // teams/football/raw/x
 * ```
 */
export function prefixed(whole: StorageBackend, prefix: Prefix): StorageBackend {
  checkBackend(whole, "whole", "prefixed");
  if (prefix === "") return whole;
  parseKey(prefix, "prefixed");
  const backend = unchecked(whole);
  const inner = (key: string): Key => joinKey(prefix, key);
  // Every key that comes out is below the prefix, so the rest of it is a key.
  const outer = (key: Key): Key => key.slice(prefix.length + 1) as Key;
  // An entry for the prefix itself keeps its name.
  const relative = (path: string): string => path.slice(prefix.length + 1) || path;
  const outerInfo = (info: ObjectInfo): ObjectInfo => ({ ...info, key: outer(info.key) });

  const wrapped: StorageBackend = {
    name: backend.name,
    capabilities: {
      ...backend.capabilities,
      maxKeyBytes: backend.capabilities.maxKeyBytes - Buffer.byteLength(prefix) - 1,
    },
    url: (key = "") => backend.url(key === "" ? prefix : inner(key)),
    head: async (key, options) => outerInfo(await backend.head(inner(key), options)),
    async get(key, options) {
      const { info, body } = await backend.get(inner(key), options);
      return { info: outerInfo(info), body };
    },
    put: async (key, body, options) => backend.put(inner(key), body, options),
    copy: async (from, to, options) => backend.copy(inner(from), inner(to), options),
    async *list(options = {}): AsyncGenerator<ListPage> {
      const { prefix: below = "", startAfter, onSkipped, onUnreadable, ...rest } = options;
      const pages = backend.list({
        ...rest,
        prefix: below === "" ? prefix : inner(below),
        ...(startAfter === undefined ? {} : { startAfter: `${prefix}/${startAfter}` }),
        onSkipped: onSkipped && ((entry) => onSkipped({ ...entry, path: relative(entry.path) })),
        onUnreadable: onUnreadable && ((entry) => onUnreadable({ ...entry, path: relative(entry.path) })),
      });
      for await (const page of pages) {
        yield { objects: page.objects.map(outerInfo), prefixes: page.prefixes.map(outer) };
      }
    },
    async *delete(keys, options): AsyncGenerator<DeleteResult> {
      async function* inside(): AsyncGenerator<Key> {
        for await (const key of keys) yield inner(key);
      }
      for await (const result of backend.delete(inside(), options))
        yield { ...result, key: outer(result.key) };
    },
    close: () => backend.close(),
  };
  return checked(withAbilities(wrapped, prefixedAbilities(abilitiesOf(backend), prefix, outer)));
}

/** Those that are about objects, with keys below the prefix. */
function prefixedAbilities(
  { hashedReads, hashedWrites, resumableUploads, directAccess, limitedTransfers, renames }: BackendAbilities,
  prefix: Prefix,
  outer: (key: Key) => Key,
): BackendAbilities {
  const inner = (key: string): Key => joinKey(prefix, key);
  return {
    hashedReads: hashedReads && {
      ...hashedReads,
      read: async (key, version, options) => hashedReads.read(inner(key), version, options),
      mayKeepHash: async (key, etag, since) => hashedReads.mayKeepHash(inner(key), etag, since),
      hashTogether:
        hashedReads.hashTogether &&
        (async (versions, options) =>
          hashedReads.hashTogether?.(
            versions.map((version) => ({ ...version, key: inner(version.key) })),
            options,
          ) ?? []),
    },
    hashedWrites: hashedWrites && {
      ...hashedWrites,
      put: async (key, body, options) => hashedWrites.put(inner(key), body, options),
    },
    resumableUploads: resumableUploads && {
      upload: async (key, body, options) => resumableUploads.upload(inner(key), body, options),
      async *list(below = "", options): AsyncGenerator<UnfinishedUpload> {
        const uploads = resumableUploads.list(below === "" ? prefix : inner(below), options);
        for await (const upload of uploads) yield { ...upload, key: outer(upload.key) };
      },
      abort: async ({ key, uploadId }, options) =>
        resumableUploads.abort({ key: inner(key), uploadId }, options),
    },
    directAccess: directAccess && {
      async access(options) {
        const access = await directAccess.access(options);
        return { ...access, prefix: joinKey(access.prefix, prefix) };
      },
    },
    limitedTransfers,
    renames: renames && {
      rename: async (from, to, options) =>
        renames.rename(inner(from), inner(to), { ...options, removing: options?.removing?.map(inner) }),
    },
  };
}
