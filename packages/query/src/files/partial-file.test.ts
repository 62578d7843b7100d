import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, parseKey, type StorageBackend } from "@parquetry/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FileCache } from "./file-cache.ts";
import { fetchPartial, findPartial } from "./partial-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "partial-file-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("leaves an object whose footer claims to be huge to a fetch of the whole, and downloads its end only", async () => {
  const memory = createMemoryBackend();
  const key = parseKey("huge.parquet");
  const bytes = Buffer.alloc(64 * 1024 * 1024);
  bytes.writeUInt32LE(60 * 1024 * 1024, bytes.byteLength - 8);
  bytes.write("PAR1", bytes.byteLength - 4, "latin1");
  const { etag } = await memory.put(key, bytes);
  let fetched = 0;
  const backend: StorageBackend = {
    ...memory,
    async get(wanted, options) {
      const found = await memory.get(wanted, options);
      const { range } = options ?? {};
      fetched += range !== undefined && "last" in range ? range.last : found.info.sizeBytes;
      return found;
    },
  };
  const cache = await FileCache.open(folder);
  const info = await memory.head(key);
  const name = { store: "memory", key, etag };
  const parts = { mentions: () => true, intervalsOf: () => undefined };
  const fetch = { backend, cache, name, info, parts, signal: undefined, onBytes: () => {} };
  expect(await fetchPartial(fetch)).toBeUndefined();
  expect(fetched).toBeLessThanOrEqual(64 * 1024);
  expect(findPartial(fetch)).toBeUndefined();
});
