import {
  alreadyExists,
  bodyCheck,
  checked,
  collectBytes,
  compareKeys,
  objectBody,
  openBody,
  preconditionFailed,
  resolveRange,
  StorageError,
  throwIfAborted,
  verifiedBody,
} from "@parquetry/core/backend";

const NAME = "kv";
const PAGE = 1000;

/** A backend over a store of keys and values that has versions and a compare-and-set. */
export function createKeyValueBackend(store) {
  const find = async (key, op) => {
    const entry = await store.get(key);
    if (entry !== undefined) return entry;
    const message = `${op}: no object ${key}.`;
    throw new StorageError({ code: "not_found", op, path: key, backend: NAME, message });
  };
  const infoOf = (key, { value, version, writtenAt }) => ({
    key,
    sizeBytes: value.byteLength,
    etag: String(version), // changes with each write, so it is strong
    lastModified: writtenAt,
  });
  const set = async (key, op, value, { ifMatch, ifNoneMatch }) => {
    const expected = ifNoneMatch === "*" ? 0 : ifMatch === undefined ? undefined : Number(ifMatch);
    const version = await store.set(key, value, expected);
    if (version !== undefined) return { etag: String(version), sizeBytes: value.byteLength };
    throw ifMatch === undefined ? alreadyExists(NAME, op, key) : preconditionFailed(NAME, op, key, ifMatch);
  };

  return checked({
    name: NAME,
    capabilities: {
      listProves: "none",
      maxSinglePutBytes: Number.MAX_SAFE_INTEGER,
      partSizeBytes: Number.MAX_SAFE_INTEGER,
      maxParts: 1,
      deleteBatchSize: 1,
      listPageSize: PAGE,
      maxKeyBytes: 1024,
      keyNormalization: "none",
      hierarchicalKeys: false,
    },
    url: (key = "") => `kv://${key}`,
    head: async (key) => infoOf(key, await find(key, "head")),
    async get(key, { range, ifMatch, verify } = {}) {
      const entry = await find(key, "get");
      const info = infoOf(key, entry);
      if (ifMatch !== undefined && ifMatch !== info.etag)
        throw preconditionFailed(NAME, "get", key, ifMatch, info.etag);
      const { start, end } = resolveRange(range, info.sizeBytes, key, NAME);
      const chunks = (async function* () {
        yield entry.value.slice(start, end);
      })();
      const body = objectBody(chunks, async () => {});
      return { info, body: verify ? verifiedBody(NAME, info, range, body) : body };
    },
    async put(key, body, options = {}) {
      const value = new Uint8Array(await collectBytes(openBody(body)));
      throwIfAborted(options.signal, "put", key, NAME);
      const check = bodyCheck(NAME, key, options);
      check.update(value);
      check.finish();
      return set(key, "put", value, options);
    },
    async *list({ prefix = "", delimiter, startAfter = "", signal } = {}) {
      const folder = prefix === "" ? "" : `${prefix}/`;
      let page = { objects: [], prefixes: [] };
      let last = "";
      for (const key of (await store.keys()).filter((each) => each.startsWith(folder)).sort(compareKeys)) {
        const slash = delimiter === undefined ? -1 : key.indexOf("/", folder.length);
        const name = slash < 0 ? key : key.slice(0, slash + 1);
        if (name === last || compareKeys(name, startAfter) <= 0) continue;
        last = name;
        const entry = slash < 0 ? await store.get(key) : undefined;
        if (slash >= 0) page.prefixes.push(key.slice(0, slash));
        else if (entry !== undefined) page.objects.push(infoOf(key, entry)); // else deleted in the meantime
        if (page.objects.length + page.prefixes.length < PAGE) continue;
        throwIfAborted(signal, "list", prefix, NAME);
        yield page;
        page = { objects: [], prefixes: [] };
      }
      throwIfAborted(signal, "list", prefix, NAME);
      yield page;
    },
    async *delete(keys, { signal } = {}) {
      for await (const key of keys) {
        throwIfAborted(signal, "delete", key, NAME);
        await store.delete(key);
        yield { key };
      }
    },
    copy: async (from, to, options = {}) => set(to, "copy", (await find(from, "copy")).value, options),
    close: async () => {},
  });
}
