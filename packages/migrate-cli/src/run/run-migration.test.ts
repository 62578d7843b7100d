import { createHash } from "node:crypto";
import { tracingChannel } from "node:diagnostics_channel";
import { type StorageBackend, StorageError } from "@parquetry/core";
import { collectBytes, openBody, type ReplayableBody } from "@parquetry/core/backend";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { counted } from "../../test/support/counted.ts";
import { asDisk, contents, fill, memoryTree, withoutMd5 } from "../../test/support/memory-tree.ts";
import { migrate } from "../../test/support/migrate.ts";
import { parseShard } from "../select/shard.ts";
import { type MigrationProgress, runMigration } from "./run-migration.ts";
import { WHOLE_BYTES } from "./sent-whole.ts";

const LARGE = "x".repeat(WHOLE_BYTES + 1);

describe("runMigration", () => {
  it("copies every file of the source, whatever the target held before, and touches nothing else", async () => {
    const key = fc.constantFrom("a", "b/c", "b/d", "e.f", "e/f");
    const tree = fc.dictionary(key, fc.constantFrom("", "one", "two", "three"));
    await fc.assert(
      fc.asyncProperty(tree, tree, fc.boolean(), fc.boolean(), async (before, there, force, disk) => {
        const source = await memoryTree(before);
        const target = await memoryTree(there);
        const result = await migrate(disk ? asDisk(source) : source, target, { force });
        expect(await contents(source)).toEqual(before);
        expect(await contents(target)).toEqual(force ? { ...there, ...before } : { ...before, ...there });
        const differing = Object.keys(before).filter((name) => name in there && there[name] !== before[name]);
        expect(result.complete).toBe(force || differing.length === 0);
        expect(result.plan.total.differs.files).toBe(force ? 0 : differing.length);
        const again = await migrate(disk ? asDisk(source) : source, target, { force });
        expect(again.copied.files).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it("publishes each file that it copies on its tracing channel", async () => {
    const messages: unknown[] = [];
    const take = (message: unknown): number => messages.push(message);
    const { asyncEnd } = tracingChannel("parquetry:migrated-file");
    asyncEnd.subscribe(take);
    try {
      await migrate(
        await memoryTree({ "raw/a": "one", "raw/b": "four" }),
        await memoryTree({ "raw/a": "one" }),
      );
      expect(messages).toEqual([expect.objectContaining({ key: "raw/b", sizeBytes: 4 })]);
    } finally {
      asyncEnd.unsubscribe(take);
    }
  });

  it("sends one PUT per file and one LIST per thousand files to the target, and nothing else", async () => {
    const files = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`raw/${i}.csv`, `row ${i}`]));
    const source = asDisk(await memoryTree(files));
    const target = counted(await memoryTree());
    const first = await migrate(source, target.backend);
    expect(first.complete).toBe(true);
    expect(target.calls).toEqual({ put: 1500, list: 1 });
    for (const name of Object.keys(target.calls)) delete target.calls[name];
    const again = await migrate(source, target.backend);
    expect(again.plan.total.skip.files).toBe(1500);
    expect(target.calls).toEqual({ list: 2 });
  });

  it("streams large files, and reads them back from a target that proves nothing", async () => {
    const source = await memoryTree({ "raw/large": LARGE, "raw/empty": "" });
    const target = asDisk(await memoryTree());
    const result = await migrate(source, target);
    expect(result).toMatchObject({ complete: true, unproven: 0 });
    expect(await contents(target)).toEqual({ "raw/large": LARGE, "raw/empty": "" });
  });

  it.each(["small", LARGE])("reports a file that arrives damaged", async (text) => {
    const source = await memoryTree({ "raw/a": text });
    const sound = await memoryTree();
    const damaging: StorageBackend = {
      ...sound,
      async put(key, body, options) {
        const bytes = Buffer.from(await collectBytes(openBody(body)));
        bytes.writeUInt8((bytes[2] ?? 0) ^ 1, 2);
        return sound.put(key, bytes, options);
      },
    };
    for (const target of [damaging, asDisk(damaging)]) {
      const result = await runMigration(source, target, { include: ["raw/"], force: true });
      expect(result.failures.first(1)[0]).toMatchObject({ key: "raw/a", code: "corrupt" });
      expect(result.complete).toBe(false);
      result.close();
    }
  });

  it.each(["small", LARGE])(
    "reads a file again that changes in the meantime, and copies its last content",
    async (text) => {
      const source = await memoryTree({ a: text });
      let reads = 0;
      const changing: StorageBackend = {
        ...source,
        async get(key, options) {
          if (++reads === 1) await fill(source, { a: `${text} and more` });
          return source.get(key, options);
        },
      };
      const target = await memoryTree();
      const events: MigrationProgress[] = [];
      const result = await migrate(changing, target, { onProgress: (event) => events.push(event) });
      expect(await contents(target)).toEqual({ a: `${text} and more` });
      expect(result).toMatchObject({ retries: 1, complete: true });
      const bytes = events.reduce((sum, event) => sum + (event.type === "bytes" ? event.bytes : 0), 0);
      expect(bytes).toBe(text.length + 9);
    },
  );

  it("reports a file that keeps changing and one that vanishes, and copies the others", async () => {
    const source = await memoryTree({ a: "a", gone: "g", z: "z" });
    let version = 0;
    const changing: StorageBackend = {
      ...source,
      async get(key, options) {
        if (key === "a") await fill(source, { a: `version ${version++}` });
        if (key === "gone") for await (const _ of source.delete([key]));
        return source.get(key, options);
      },
    };
    const target = await memoryTree();
    const result = await runMigration(changing, target);
    expect(await contents(target)).toEqual({ z: "z" });
    const failures = [...result.failures.first(9)].sort((x, y) => (x.key < y.key ? -1 : 1));
    expect(failures).toMatchObject([
      { key: "a", code: "conflict", message: expect.stringContaining("changed each of the 3 times") },
      { key: "gone", code: "not_found" },
    ]);
    result.close();
  });

  it("never overwrites an object that appears after the plan was made, and recognises equal content", async () => {
    const source = await memoryTree({ other: "ours", same: "equal" });
    const target = await memoryTree();
    const racing: StorageBackend = {
      ...target,
      async put(key, body, options) {
        await fill(target, { [key]: key === "same" ? "equal" : "theirs" });
        return target.put(key, body, options);
      },
    };
    const result = await runMigration(source, racing);
    expect(await contents(target)).toEqual({ other: "theirs", same: "equal" });
    expect(result.copied.files).toBe(1);
    expect(result.failures.first(9)).toMatchObject([{ key: "other", code: "conflict" }]);
    result.close();
  });

  it("replaces only the version that the plan saw, with force", async () => {
    const source = await memoryTree({ a: "ours" });
    const target = await memoryTree({ a: "old" });
    const racing: StorageBackend = {
      ...target,
      async put(key, body, options) {
        await fill(target, { [key]: "newer" });
        return target.put(key, body, options);
      },
    };
    const result = await runMigration(source, racing, { force: true });
    expect(await contents(target)).toEqual({ a: "newer" });
    expect(result.failures.first(1)).toMatchObject([{ code: "conflict" }]);
    result.close();
  });

  it("recognises a write that arrived although its answer was lost", async () => {
    const source = await memoryTree({ a: "content", [`b`]: LARGE });
    const target = await memoryTree();
    const silent: StorageBackend = {
      ...target,
      async put(key, body, options) {
        await target.put(key, body, options);
        throw new StorageError({ code: "outcome_unknown", op: "put", path: key, message: "no answer" });
      },
    };
    expect(await migrate(source, silent)).toMatchObject({ complete: true, copied: { files: 2 } });
  });

  it("leaves unverifiable files alone and reports them", async () => {
    const source = await memoryTree({ a: "same size 1" });
    const target = withoutMd5(await memoryTree({ a: "same size 2" }));
    const result = await migrate(source, target);
    expect(result.plan.total.unverifiable.files).toBe(1);
    expect(result.complete).toBe(false);
    expect(await contents(target)).toEqual({ a: "same size 2" });
    // With force, files that are not proven equal are replaced.
    const forced = await migrate(source, target, { force: true });
    expect(forced).toMatchObject({ copied: { files: 1 }, plan: { total: { overwrite: { files: 1 } } } });
    expect(await contents(target)).toEqual({ a: "same size 1" });
  });

  it("does not hold up a small file behind a large one", async () => {
    const part = 8 * 1024 * 1024;
    const source = await memoryTree({ "a-large": "x".repeat(6 * part), "b-small": "small" });
    const target = await memoryTree();
    let smallIsThere = (): void => {};
    const small = new Promise<void>((resolve) => {
      smallIsThere = resolve;
    });
    const put: StorageBackend["put"] = async (key, body, options) => {
      if (key === "a-large") await small;
      const result = await target.put(key, body, options);
      if (key === "b-small") smallIsThere();
      return result;
    };
    const capabilities = { ...target.capabilities, maxSinglePutBytes: part, partSizeBytes: part };
    const result = await migrate(source, { ...target, put, capabilities });
    expect(result.complete).toBe(true);
  });

  it("copies everything exactly once in shards", async () => {
    const files = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`raw/${i}`, `${i}`]));
    const source = await memoryTree(files);
    const target = await memoryTree();
    const copied: number[] = [];
    for (const shard of ["0/3", "1/3", "2/3"]) {
      copied.push((await migrate(source, target, { shard: parseShard(shard) })).copied.files);
    }
    expect(copied.reduce((sum, count) => sum + count)).toBe(60);
    expect(await contents(target)).toEqual(files);
  });

  it("rejects names that the target cannot store, before it writes anything", async () => {
    const source = await memoryTree({ "team=Jose\u0301/a": "1", "team=Ana/a": "2" });
    const target = await memoryTree();
    const r2: StorageBackend = {
      ...target,
      capabilities: { ...target.capabilities, keyNormalization: "NFC" },
    };
    const result = await runMigration(source, r2);
    expect(result.plan.failures.first(9)).toMatchObject([{ key: "team=Jose\u0301/a", code: "refused" }]);
    expect(result.complete).toBe(false);
    expect(await contents(target)).toEqual({ "team=Ana/a": "2" });
    result.close();
  });

  it("checks a body that is read in parts, and twice, as a multipart store reads it", async () => {
    const partBytes = 100_000;
    const source = await memoryTree({ large: LARGE });
    const stored = await memoryTree();
    const target: StorageBackend = {
      ...withoutMd5(stored),
      capabilities: { ...stored.capabilities, maxSinglePutBytes: partBytes, partSizeBytes: partBytes },
      async put(key, body, options) {
        // A large file is a body that can be opened again, which this test checks.
        const large = body as ReplayableBody;
        const digests: Buffer[] = [];
        const parts: Uint8Array[] = [];
        for (let start = 0; start < large.sizeBytes; start += partBytes) {
          const end = Math.min(start + partBytes, large.sizeBytes);
          await collectBytes(large.open({ start, end }));
          const part = await collectBytes(large.open({ start, end }));
          digests.push(createHash("md5").update(part).digest());
          parts.push(part);
        }
        const { sizeBytes } = await stored.put(key, Buffer.concat(parts), options);
        const md5 = createHash("md5").update(Buffer.concat(digests)).digest("hex");
        return { sizeBytes, etag: `${md5}-${digests.length}` };
      },
    };
    let bytes = 0;
    const result = await migrate(source, target, {
      onProgress: (event) => {
        if (event.type === "bytes") bytes += event.bytes;
      },
    });
    expect(result).toMatchObject({ complete: true, unproven: 0 });
    expect(bytes).toBe(LARGE.length);
    expect(await contents(stored)).toEqual({ large: LARGE });
  });

  it("lists the planned files that are not copied as pending", async () => {
    const source = await memoryTree({ a: "1", b: "2" });
    const target = await memoryTree();
    const result = await runMigration(source, {
      ...target,
      put: async (key, body, options) => {
        if (key === "b") throw new StorageError({ code: "corrupt", op: "put", path: key, message: "no" });
        return target.put(key, body, options);
      },
    });
    const pending = [];
    for await (const { key } of result.pending()) pending.push(key);
    expect(pending).toEqual(["b"]);
    result.close();
  });
});
