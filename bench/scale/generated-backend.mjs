// A backend whose listing is computed, with no storage behind it, to measure what planning and comparing cost by themselves.
import { checked, compareKeys, StorageError } from "@parquetry/core/backend";
import { firstAfter, keyAt } from "./generated-keys.mjs";

const PAGE_OBJECTS = 1000;
const TIME = new Date("2026-11-01T10:00:00Z");

/**
 * Makes a backend that lists those of `count` keys that `has` accepts, page by page; `sizeOf` returns the size of the `i`-th object.
 * Objects can be listed, but not read or written.
 */
export function generatedBackend({ name, count, has = () => true, sizeOf = () => 48_000 }) {
  const unsupported = (op) => async () => {
    throw new StorageError({
      code: "not_supported",
      op,
      backend: name,
      message: `${op}: only listings exist.`,
    });
  };
  return checked({
    name,
    capabilities: {
      listProves: "md5",
      maxSinglePutBytes: 2 ** 30,
      partSizeBytes: 2 ** 27,
      maxParts: 10_000,
      deleteBatchSize: 1000,
      listPageSize: PAGE_OBJECTS,
      maxKeyBytes: 1024,
      keyNormalization: "none",
      hierarchicalKeys: false,
    },
    url: (key = "") => `generated://${name}/${key}`,
    async *list({ prefix = "", startAfter = "" } = {}) {
      const folder = prefix === "" ? "" : `${prefix}/`;
      let i = firstAfter(compareKeys(folder, startAfter) > 0 ? folder : startAfter, count);
      while (i < count) {
        const objects = [];
        for (; i < count && objects.length < PAGE_OBJECTS; i++) {
          const key = keyAt(i, count);
          if (!key.startsWith(folder)) {
            i = count;
            break;
          }
          const md5 = String(i).padStart(32, "0");
          if (has(i)) objects.push({ key, sizeBytes: sizeOf(i), etag: md5, lastModified: TIME, md5 });
        }
        yield { objects, prefixes: [] };
      }
    },
    head: unsupported("head"),
    get: unsupported("get"),
    put: unsupported("put"),
    copy: unsupported("copy"),
    async *delete() {
      await unsupported("delete")();
      yield undefined;
    },
    async close() {},
  });
}
