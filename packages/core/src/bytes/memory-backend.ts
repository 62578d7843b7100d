import { createHash, randomUUID } from "#platform";
import { type Renames, withAbilities } from "./abilities.ts";
import { throwIfAborted } from "./abort.ts";
import type { BackendCapabilities } from "./backend-capabilities.ts";
import { bodyCheck } from "./body-check.ts";
import { resolveRange } from "./byte-range.ts";
import { checked } from "./checked.ts";
import { yieldIfDue } from "./concurrency/yield-if-due.ts";
import { type Key, MAX_KEY_BYTES, type Prefix } from "./key.ts";
import { compareKeys } from "./key-order.ts";
import { collectBytes, objectBody, openBody } from "./object-body.ts";
import type {
  DeleteResult,
  ListPage,
  ObjectInfo,
  Preconditions,
  PutResult,
  StorageBackend,
} from "./storage-backend.ts";
import { StorageError } from "./storage-error.ts";
import { verifiedBody } from "./verified-body.ts";
import { alreadyExists, preconditionFailed } from "./write-errors.ts";

interface StoredObject {
  readonly bytes: Uint8Array;
  readonly info: ObjectInfo;
}

const CAPABILITIES: BackendCapabilities = {
  listProves: "md5",
  maxSinglePutBytes: Number.MAX_SAFE_INTEGER,
  partSizeBytes: Number.MAX_SAFE_INTEGER,
  maxParts: 1,
  deleteBatchSize: 1000,
  listPageSize: 1000,
  maxKeyBytes: MAX_KEY_BYTES,
  keyNormalization: "none",
  hierarchicalKeys: false,
};

/**
 * Returns a {@link StorageBackend} in memory: the reference for the contract, and a store for tests and notebooks.
 *
 * @example
 * ```ts
 * const storage = new Storage(createMemoryBackend());
 * ```
 */
export function createMemoryBackend(): StorageBackend {
  const objects = new Map<Key, StoredObject>();
  /** The keys in order, until one is added or removed. */
  let inOrder: readonly Key[] | undefined;

  const find = (key: Key, op: string): StoredObject => {
    const found = objects.get(key);
    if (found === undefined) {
      throw new StorageError({
        code: "not_found",
        op,
        path: key,
        backend: "memory",
        message: `${op}: no object ${key} in memory.`,
      });
    }
    return found;
  };

  // A put is atomic because there is no await between the check and the set.
  const store = (
    key: Key,
    bytes: Uint8Array,
    op: string,
    { ifMatch, ifNoneMatch }: Preconditions,
  ): PutResult => {
    const existing = objects.get(key);
    if (ifNoneMatch !== undefined && existing !== undefined) {
      throw alreadyExists("memory", op, key);
    }
    if (ifMatch !== undefined && existing?.info.etag !== ifMatch) {
      throw preconditionFailed("memory", op, key, ifMatch, existing?.info.etag);
    }
    const md5 = createHash("md5").update(bytes).digest("hex");
    const info: ObjectInfo = {
      key,
      sizeBytes: bytes.byteLength,
      etag: randomUUID(),
      lastModified: new Date(),
      md5,
    };
    if (existing === undefined) inOrder = undefined;
    objects.set(key, { bytes, info });
    return { etag: info.etag, sizeBytes: info.sizeBytes, md5 };
  };

  const backend: StorageBackend = {
    name: "memory",
    capabilities: CAPABILITIES,
    url: (key: Prefix = "") => `memory://${key}`,

    async head(key) {
      return find(key, "head").info;
    },

    async get(key, options) {
      await yieldIfDue();
      throwIfAborted(options?.signal, "get", key, "memory");
      const { info, bytes } = find(key, "get");
      if (options?.ifMatch !== undefined && options.ifMatch !== info.etag) {
        throw preconditionFailed("memory", "get", key, options.ifMatch, info.etag);
      }
      const { start, end } = resolveRange(options?.range, info.sizeBytes, key, "memory");
      async function* chunks(): AsyncGenerator<Uint8Array> {
        // A copy: a reader that changes its bytes must not change the stored object.
        yield bytes.slice(start, end);
      }
      const body = objectBody(chunks(), async () => {});
      return { info, body: options?.verify ? verifiedBody("memory", info, options.range, body) : body };
    },

    async put(key, body, options = {}) {
      await yieldIfDue();
      const bytes = new Uint8Array(await collectBytes(openBody(body)));
      throwIfAborted(options.signal, "put", key, "memory");
      const check = bodyCheck("memory", key, options);
      check.update(bytes);
      check.finish();
      return store(key, bytes, "put", options);
    },

    async *list(options = {}): AsyncGenerator<ListPage> {
      const { prefix = "", delimiter, startAfter, signal } = options;
      const folder = prefix === "" ? "" : `${prefix}/`;
      const found: ObjectInfo[] = [];
      const prefixes = new Set<Key>();
      inOrder ??= [...objects.keys()].sort(compareKeys);
      for (let i = firstAtOrAfter(inOrder, folder); i < inOrder.length; i++) {
        const key = inOrder[i];
        if (key === undefined || !key.startsWith(folder)) break;
        const slash = delimiter === undefined ? -1 : key.indexOf("/", folder.length);
        const entry = slash < 0 ? key : key.slice(0, slash + 1);
        if (startAfter !== undefined && compareKeys(entry, startAfter) <= 0) continue;
        // The start of a key up to a slash is a key.
        if (slash >= 0) prefixes.add(key.slice(0, slash) as Key);
        else found.push(find(key, "list").info);
      }
      const all = [...prefixes];
      const size = CAPABILITIES.listPageSize;
      for (let i = 0; i === 0 || i < Math.max(found.length, all.length); i += size) {
        await yieldIfDue();
        throwIfAborted(signal, "list", prefix, "memory");
        yield { objects: found.slice(i, i + size), prefixes: all.slice(i, i + size) };
      }
    },

    async *delete(keys, options): AsyncGenerator<DeleteResult> {
      for await (const key of keys) {
        await yieldIfDue();
        throwIfAborted(options?.signal, "delete", key, "memory");
        if (objects.delete(key)) inOrder = undefined;
        yield { key };
      }
    },

    async copy(from, to, options = {}) {
      return store(to, find(from, "copy").bytes, "copy", options);
    },

    async close() {},
  };
  const rename: Renames["rename"] = async (from, to, { removing = [] } = {}) => {
    const { bytes, info } = find(from, "rename");
    inOrder = undefined;
    objects.delete(from);
    objects.set(to, { bytes, info: { ...info, key: to } });
    for (const key of removing) objects.delete(key);
  };
  return checked(withAbilities(backend, { renames: { rename } }));
}

/** Returns the index of the first key that is not before a text, by bisection. */
function firstAtOrAfter(keys: readonly Key[], text: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareKeys(keys[middle] ?? "", text) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
