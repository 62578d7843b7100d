import { type StorageBackend, StorageError } from "@parquetry/core";
import { describe, expect, it } from "vitest";
import { asDisk, memoryTree, withoutMd5 } from "../../test/support/memory-tree.ts";
import { formatParity } from "./folder-parity.ts";
import { parseVerifyLevel } from "./verify-level.ts";
import {
  type Verification,
  type VerifyOptions,
  type VerifyProgress,
  verifyMigration,
} from "./verify-migration.ts";

const verify = async (
  source: StorageBackend,
  target: StorageBackend,
  options?: VerifyOptions,
): Promise<Verification & { readonly lines: string[] }> => {
  const found = await verifyMigration(source, target, options);
  return { ...found, lines: found.folders.map(formatParity) };
};

describe("verifyMigration", () => {
  it("compares by content, folder by folder", async () => {
    const source = asDisk(
      await memoryTree({
        "manifest.json": "{}",
        "raw/a": "1",
        "raw/b": "22",
        "raw/c": "333",
        "processed/x": "9",
      }),
    );
    const target = await memoryTree({
      "raw/a": "1",
      "raw/b": "2x",
      "raw/d": "4",
      "processed/x": "9",
      "manifest.json": "{}",
    });
    const found = await verify(source, target);
    expect(found.lines).toEqual([
      ".: local=1 cloud=1 missing=0 extra=0 differing=0 unverifiable=0",
      "processed: local=1 cloud=1 missing=0 extra=0 differing=0 unverifiable=0",
      "raw: local=3 cloud=3 missing=1 extra=1 differing=1 unverifiable=0",
    ]);
    expect([found.missing, found.extra, found.differing].map((list) => list.first(9))).toEqual([
      ["raw/c"],
      ["raw/d"],
      ["raw/b"],
    ]);
    expect(found.equal).toBe(false);
    found.close();
  });

  it("finds a wrong object of the same size by reading it, if its listing proves nothing", async () => {
    const source = asDisk(await memoryTree({ "raw/a": "right", "raw/b": "equal" }));
    const target = withoutMd5(await memoryTree({ "raw/a": "wrong", "raw/b": "equal" }));
    const byEtag = await verify(source, target);
    expect(byEtag.lines).toEqual(["raw: local=2 cloud=2 missing=0 extra=0 differing=0 unverifiable=2"]);
    const full = await verify(source, target, { level: { type: "full" } });
    expect(full.lines).toEqual(["raw: local=2 cloud=2 missing=0 extra=0 differing=1 unverifiable=0"]);
    expect(full.readFiles).toBe(2);
  });

  it("counts every listed file at level full: empty files as read, and files that are left out by class", async () => {
    const files = { "raw/a": "data", "raw/empty": "", "raw/._a": "mac", "raw/b.tmp": "" };
    const source = asDisk(await memoryTree(files));
    const target = withoutMd5(await memoryTree({ "raw/a": "data", "raw/empty": "", "raw/.DS_Store": "mac" }));
    const full = await verify(source, target, { level: "full" });
    expect(full.lines).toEqual(["raw: local=2 cloud=2 missing=0 extra=0 differing=0 unverifiable=0"]);
    expect(full.readFiles).toBe(2);
    expect(full.leftOut).toEqual({ apple_double: 1, ds_store: 1, temporary: 1, system: 0, env: 0 });
    expect((await verify(source, target, { level: "sample:100%" })).readFiles).toBe(2);
    expect((await verify(source, target)).readFiles).toBe(0);
  });

  it("takes multipart objects with the same ETag for equal, but not other equal ETags", async () => {
    const tagged = async (etag: string): Promise<StorageBackend> => {
      const tree = withoutMd5(await memoryTree({ "raw/a": "content" }));
      return {
        ...tree,
        async *list(options) {
          for await (const page of tree.list(options))
            yield { ...page, objects: page.objects.map((info) => ({ ...info, etag })) };
        },
      };
    };
    const parity = async (left: string, right: string): Promise<number> =>
      (await verify(await tagged(left), await tagged(right))).unverifiable.length;
    const multipart = (char: string): string => `${char.repeat(32)}-1`;
    expect(await parity(multipart("a"), multipart("a"))).toBe(0);
    expect(await parity(multipart("a"), multipart("b"))).toBe(1);
    expect(await parity("opaque", "opaque")).toBe(1);
  });

  it("reads both sides at level full, whatever the listings prove", async () => {
    const honest = await memoryTree({ "raw/a": "right" });
    const lying: StorageBackend = {
      ...honest,
      get: async (key) => (await memoryTree({ "raw/a": "wrong" })).get(key),
    };
    expect((await verify(honest, lying)).equal).toBe(true);
    expect((await verify(honest, lying, { level: { type: "full" } })).equal).toBe(false);
    expect((await verify(honest, lying, { level: "full" })).equal).toBe(false);
    const fromPlainJavaScript: unknown[] = ["fulll", { type: "all" }, { type: "sample", share: 0 }, 5];
    for (const level of fromPlainJavaScript) {
      await expect(verify(honest, lying, { level: level as string })).rejects.toMatchObject({
        code: "invalid_argument",
      });
    }
  });

  it("samples the same files again with the same seed", async () => {
    const files = Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`raw/${i}`, `${i}`]));
    const source = await memoryTree(files);
    const target = withoutMd5(await memoryTree(files));
    const level = parseVerifyLevel("sample:25%");
    const first = await verify(source, target, { level });
    expect(first.readFiles).toBeGreaterThan(50);
    expect(first.readFiles).toBeLessThan(150);
    expect(first.unverifiable.length).toBe(400 - first.readFiles);
    const again = await verify(source, target, { level, seed: first.seed });
    expect(again.unverifiable.first(400)).toEqual(first.unverifiable.first(400));
  });

  it("counts files that cannot be read as unverifiable, with the reason", async () => {
    const tree = await memoryTree({ "raw/a": "1", "raw/b": "2" });
    const source: StorageBackend = asDisk({
      ...tree,
      get: async (key, options) => {
        if (key === "raw/b") for await (const _ of tree.delete([key]));
        return tree.get(key, { ...options, ifMatch: key === "raw/a" ? "other" : undefined });
      },
    });
    const found = await verify(source, await memoryTree({ "raw/a": "1", "raw/b": "2" }));
    expect(found.lines).toEqual(["raw: local=2 cloud=2 missing=0 extra=0 differing=0 unverifiable=2"]);
  });

  it("counts only files that were read to the end on both sides", async () => {
    const files = { "raw/a": "right", "raw/b": "equal", "raw/c": "gone", "raw/d": "other" };
    const source = await memoryTree(files);
    const tree = await memoryTree({ ...files, "raw/d": "OTHER" });
    const target: StorageBackend = {
      ...tree,
      get: async (key, options) => {
        if (key === "raw/a")
          throw new StorageError({ code: "unavailable", op: "get", path: key, message: "get raw/a: no." });
        if (key === "raw/c") for await (const _ of tree.delete([key]));
        return tree.get(key, options);
      },
    };
    const found = await verify(source, target, { level: "full" });
    expect(found.lines).toEqual(["raw: local=4 cloud=4 missing=0 extra=0 differing=1 unverifiable=2"]);
    expect(found.readFiles).toBe(2);
    expect(found.failures.first(9)).toMatchObject([{ key: "raw/a", code: "unavailable" }]);
  });

  it("reports the bytes to read before it reads them, and exactly those", async () => {
    const files = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`raw/${i}`, "content"]));
    const bucket = await memoryTree({ ...files, "raw/new": "longer", "raw/0": "short" });
    const totals: Record<string, unknown>[] = [];
    for (const level of ["etag", "full"] as const) {
      const events: VerifyProgress[] = [];
      await verify(asDisk(await memoryTree(files)), bucket, {
        level,
        onProgress: (event) => events.push(event),
      });
      const sum = (type: "toRead" | "read"): number =>
        events.reduce((bytes, event) => bytes + (event.type === type ? event.bytes : 0), 0);
      const whole = events.findIndex(({ type }) => type === "listedAll");
      // Eight are read concurrently.
      expect(events.slice(0, whole).filter(({ type }) => type === "compared").length).toBeLessThan(50);
      expect(events.slice(whole).some(({ type }) => type === "toRead")).toBe(false);
      const compared = events.filter(({ type }) => type === "compared").length;
      totals.push({ toRead: sum("toRead"), read: sum("read"), compared });
    }
    expect(totals).toEqual([
      { toRead: 49 * 7, read: 49 * 7, compared: 49 },
      { toRead: 49 * 14, read: 49 * 14, compared: 49 },
    ]);
  });

  it("leaves out the same files as a migration, on both sides", async () => {
    const source = await memoryTree({ "raw/a": "1", "raw/._a": "x" });
    const found = await verify(source, await memoryTree({ "raw/a": "1", "raw/.DS_Store": "y" }));
    expect(found.equal).toBe(true);
  });
});

describe("parseVerifyLevel", () => {
  it("accepts etag, full and a percentage", () => {
    expect(parseVerifyLevel("sample:0.5%")).toEqual({ type: "sample", share: 0.005 });
    expect(parseVerifyLevel("full")).toEqual({ type: "full" });
    for (const text of ["sample", "sample:0%", "sample:101%", "Full", ""]) {
      expect(() => parseVerifyLevel(text)).toThrow(/is not a level/);
    }
  });
});
