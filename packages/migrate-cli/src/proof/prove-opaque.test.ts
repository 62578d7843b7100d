import type { StorageBackend } from "@parquetry/core";
import { describe, expect, it } from "vitest";
import { asDisk, memoryTree } from "../../test/support/memory-tree.ts";
import { verifyMigration } from "../verify/verify-migration.ts";

/**
 * The same store with every object encrypted by a customer's key: the ETag and the listing's MD5 look like an MD5 without
 * being one, which only HEAD shows.
 */
function encrypted(backend: StorageBackend, recordsSha256: boolean): StorageBackend & { heads: number } {
  const opaque = (etag: string): string => `${etag.slice(0, 8)}${"0".repeat(24)}`;
  const store: StorageBackend & { heads: number } = {
    ...backend,
    heads: 0,
    async head(key, options) {
      store.heads++;
      const { md5: _, sha256, etag, ...info } = await backend.head(key, options);
      return { ...info, etag: opaque(etag), ...(recordsSha256 && sha256 !== undefined ? { sha256 } : {}) };
    },
    async *list(options) {
      for await (const page of backend.list(options)) {
        yield {
          ...page,
          objects: page.objects.map((info) => ({ ...info, etag: opaque(info.etag), md5: opaque(info.etag) })),
        };
      }
    },
  };
  return store;
}

const SHA256_OF_ONE = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed";

async function columns(source: StorageBackend, target: StorageBackend): Promise<Record<string, number>> {
  const found = await verifyMigration(source, target);
  const { missing, differing, unverifiable } = found;
  found.close();
  return { missing: missing.length, differing: differing.length, unverifiable: unverifiable.length };
}

describe("objects whose ETag is not an MD5", () => {
  it("are unverifiable, not different, if nothing else is known about them", async () => {
    const target = encrypted(await memoryTree({ a: "one", b: "two" }), false);
    expect(await columns(asDisk(await memoryTree({ a: "one", b: "six" })), target)).toEqual({
      missing: 0,
      differing: 0,
      unverifiable: 2,
    });
    expect(target.heads).toBe(2);
  });

  it("are compared by the SHA-256 that was recorded with them", async () => {
    const stored = await memoryTree({ a: "one", b: "one" });
    const recorded: StorageBackend = {
      ...stored,
      head: async (key, options) => ({ ...(await stored.head(key, options)), sha256: SHA256_OF_ONE }),
    };
    const source = asDisk(await memoryTree({ a: "one", b: "six" }));
    expect(await columns(source, encrypted(recorded, true))).toEqual({
      missing: 0,
      differing: 1,
      unverifiable: 0,
    });
  });

  it("cost one HEAD for each pair that differs by its listings, and none for others", async () => {
    const stored = await memoryTree({ a: "one", b: "two", c: "three" });
    let heads = 0;
    const target: StorageBackend = {
      ...stored,
      head: (...args) => {
        heads++;
        return stored.head(...args);
      },
    };
    const source = asDisk(await memoryTree({ a: "one", b: "six", c: "three" }));
    expect(await columns(source, target)).toEqual({ missing: 0, differing: 1, unverifiable: 0 });
    expect(heads).toBe(1);
  });
});
