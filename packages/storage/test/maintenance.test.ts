import {
  type PartialWriteError,
  Partition,
  type PartitionRows,
  parseKey,
  partition,
  type Row,
  Storage,
} from "@parquetry/core";
import { encodeParquet } from "@parquetry/core/unstable/tables";
import { beforeEach, describe, expect, it } from "vitest";
import { BACKENDS } from "./support/backends.ts";

const ENTITY = "raw/games";
const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const parquet = (rows: readonly Row[]): Promise<Uint8Array> =>
  encodeParquet(rows, [{ name: "a", type: "int64" }]);
const p2024 = partition({ year: 2024 });

describe.each(Object.entries(BACKENDS))("on %s", (_, open) => {
  let storage: Storage;
  const put = async (path: string, bytes: Uint8Array): Promise<void> => {
    await storage.backend.put(parseKey(path), bytes);
  };
  beforeEach(async () => {
    storage = new Storage(await open());
    return () => storage.close();
  });

  describe("repair", () => {
    const stray = `${ENTITY}/year=2024/part-${"0".repeat(32)}.parquet`;

    it("removes the files of killed writes, and keeps every row", async () => {
      await storage.write(ENTITY, [{ a: 1 }], p2024);
      await storage.write(ENTITY, [{ a: 2 }], partition({ year: 2025 }));
      await put(stray, await parquet([{ a: 666 }]));
      const bytes = (await parquet([{ a: 666 }])).byteLength;
      expect(await storage.repair(ENTITY, { dryRun: true })).toEqual({
        partitions: 2,
        removed: [{ path: stray, bytes }],
        completed: [],
        published: [],
        renamed: [],
        strays: [],
        broken: [],
      });
      expect(await storage.exists(stray)).toBe(true);
      expect((await storage.repair(ENTITY)).removed).toEqual([{ path: stray, bytes }]);
      expect(await storage.exists(stray)).toBe(false);
      expect((await storage.readIndex(ENTITY)).map((row) => row["a"])).toEqual([1, 2]);
      expect((await storage.repair(ENTITY)).removed).toEqual([]);
    });

    it("keeps files that another system added next to a manifest, or wrote without one", async () => {
      await storage.write(ENTITY, [{ a: 1 }], p2024);
      await put(`${ENTITY}/year=2024/data.parquet`, await parquet([{ a: 2 }]));
      await put(`${ENTITY}/year=2025/part-0.parquet`, text("written by another system"));
      await put(`${ENTITY}/year=2026/data.csv`, text("a\n1\n"));
      const before = await storage.listFiles();
      const report = await storage.repair(ENTITY);
      const path = `${ENTITY}/year=2024/data.parquet`;
      expect(report).toMatchObject({ removed: [], completed: [], strays: [{ path }] });
      expect(report.broken.map(({ path }) => path)).toEqual([
        expect.stringContaining("year=2025/part-0.parquet"),
      ]);
      expect(await storage.listFiles()).toEqual(before);
      // Adding a file does not remove it either.
      await storage.write(ENTITY, [{ a: 3 }], p2024, { overwrite: false });
      expect(await storage.exists(`${ENTITY}/year=2024/data.parquet`)).toBe(true);
    });

    it("and inspect name files that no read returns: in other folders, and next to a manifest", async () => {
      await storage.write(ENTITY, [{ a: 1 }], p2024);
      const strays = [
        `${ENTITY}/foo/d.csv`,
        `${ENTITY}/year=2024/other.parquet`,
        `${ENTITY}/year=2025/bar/d.parquet`,
      ];
      for (const path of strays) await put(path, await parquet([{ a: 9 }]));
      await put(`${ENTITY}/_delta_log/1.parquet`, text("no data"));
      await put(`${ENTITY}/foo/notes.txt`, text("no data"));
      expect((await storage.inspect(ENTITY)).strays).toEqual(strays);
      for (const dryRun of [true, false]) {
        const report = await storage.repair(ENTITY, { dryRun });
        expect(report.strays.map(({ path }) => path).sort()).toEqual(strays);
        expect(report.removed).toEqual([]);
      }
      for (const path of strays) expect(await storage.exists(path)).toBe(true);
      expect(await storage.readIndex(ENTITY)).toEqual([{ a: 1, year: "2024" }]);
    });

    it("removes the old files of another system that a write replaced and could not delete", async () => {
      await put(`${ENTITY}/year=2024/data.parquet`, await parquet([{ a: 1 }]));
      const { backend } = storage;
      const undeletable = new Storage({
        ...backend,
        async *delete(keys) {
          const { StorageError } = await import("@parquetry/core");
          for await (const key of keys)
            yield {
              key,
              error: new StorageError({ code: "unavailable", op: "delete", message: "the drive is gone" }),
            };
        },
      });
      const leftovers: string[] = [];
      await undeletable.write(ENTITY, [{ a: 2 }], p2024, {
        onLeftover: ({ message }) => leftovers.push(message),
      });
      expect(leftovers).toEqual(["the drive is gone"]);
      expect((await storage.readIndex(ENTITY)).map((row) => row["a"])).toEqual([2]);
      const { removed } = await storage.repair(ENTITY);
      expect(removed.map(({ path }) => path)).toEqual([`${ENTITY}/year=2024/data.parquet`]);
      expect((await storage.readIndex(ENTITY)).map((row) => row["a"])).toEqual([2]);
    });

    it("removes a replaced file of ours from a copy of its folder, where it has another ETag, and no other of its name", async () => {
      const file = `${ENTITY}/year=2024/part-0.parquet`;
      await storage.write(ENTITY, [{ a: 1 }], p2024);
      const { body } = await storage.backend.get(parseKey(file));
      const replaced = await body.bytes();
      await storage.write(ENTITY, [{ a: 2 }], p2024);
      const other = replaced.map((byte) => byte ^ 1);
      await put(file, other);
      const strays = [{ path: file, bytes: other.byteLength }];
      expect(await storage.repair(ENTITY)).toMatchObject({ removed: [], strays });
      await put(file, replaced);
      expect((await storage.inspect(ENTITY)).strays).toEqual([]);
      expect(await storage.repair(ENTITY)).toMatchObject({ removed: strays, strays: [] });
      await put(file, replaced);
      await storage.write(ENTITY, [{ a: 3 }], p2024, { overwrite: false });
      expect(await storage.exists(file)).toBe(false);
      expect((await storage.readIndex(ENTITY)).map((row) => row["a"]).sort()).toEqual([2, 3]);
    });

    it("adds the manifest of a killed first write, and names partitions that it cannot repair", async () => {
      await storage.write(ENTITY, [{ a: 1 }], p2024);
      await storage.delete([`${ENTITY}/year=2024/_manifest.json`]);
      await put(`${ENTITY}/year=2025/_manifest.json`, text("{"));
      await storage.write(ENTITY, [{ a: 1 }], partition({ year: 2026 }));
      await storage.delete([`${ENTITY}/year=2026/part-0.parquet`]);
      const report = await storage.repair(ENTITY);
      expect(report.completed).toEqual([`${ENTITY}/year=2024`]);
      expect(report.broken.map(({ code }) => code)).toEqual(["corrupt", "not_found"]);
      expect(await storage.exists(`${ENTITY}/year=2024/_manifest.json`)).toBe(true);
      await expect(storage.repair("raw/none")).rejects.toMatchObject({ code: "not_found" });
      // No write is in progress, so the file is reported as lost, not as being replaced.
      await expect(storage.readIndex(ENTITY, { year: "2026" })).rejects.toMatchObject({
        code: "not_found",
        path: `${ENTITY}/year=2026/part-0.parquet`,
        message: expect.stringContaining("repair(entity, { dryRun: true })"),
      });
      // A partition with a lost file can still be replaced.
      await storage.write(ENTITY, [{ a: 7 }], partition({ year: 2026 }));
      expect((await storage.readIndex(ENTITY, { year: "2026" })).map((row) => row["a"])).toEqual([7]);
    });
  });

  it("repair renames manifest.json, which stops other engines, and keeps every row and file", async () => {
    await put(`${ENTITY}/year=2023/data.parquet`, await parquet([{ a: 1 }]));
    await put(`${ENTITY}/year=2023/manifest.json`, text('{"rows": 1, "extra": {}}'));
    await put(`${ENTITY}/year=2024/data.csv`, Buffer.from("team\nSan Jos\xe9\n", "latin1"));
    await put(`${ENTITY}/year=2024/manifest.json`, text('{"rows": 1}'));
    await storage.write(ENTITY, [{ a: 2 }], partition({ year: 2025 }));
    await put(`${ENTITY}/year=2025/manifest.json`, text('{"rows": 5}'));
    await storage.write(ENTITY, [{ a: 3 }], partition({ year: 2026 }));
    const before = await storage.listFiles();
    const rows = await storage.readIndex(ENTITY, {}, { csv: { encoding: "latin1" } });
    expect(rows).toHaveLength(4);
    const renamed = [2023, 2024, 2025].map((year) => `${ENTITY}/year=${year}`);
    expect(await storage.repair(ENTITY, { dryRun: true })).toMatchObject({
      renamed,
      removed: [],
      broken: [],
    });
    expect(await storage.listFiles()).toEqual(before);
    expect(await storage.repair(ENTITY)).toMatchObject({ renamed, removed: [], completed: [], broken: [] });
    expect(await storage.listFiles()).toEqual(
      [...new Set(before.map((path) => path.replace("/manifest.json", "/_manifest.json")))].sort(),
    );
    expect(await storage.readIndex(ENTITY, {}, { csv: { encoding: "latin1" } })).toEqual(rows);
    const { body } = await storage.backend.get(parseKey(`${ENTITY}/year=2023/_manifest.json`));
    expect(JSON.parse(new TextDecoder().decode(await body.bytes()))).toEqual({ rows: 1, extra: {} });
    expect((await storage.repair(ENTITY)).renamed).toEqual([]);
  });

  describe("replacePartitions", () => {
    const item = (week: number, rows: Row[] = [{ a: week }, { a: week }]): PartitionRows => ({
      partition: partition({ year: 2024, week }),
      rows,
    });

    it("replaces many partitions, a few of them concurrently, and reports its progress", async () => {
      await storage.write(ENTITY, [{ a: -1 }], partition({ year: 2024, week: 3 }));
      let inFlight = 0;
      let most = 0;
      const seen: number[] = [];
      async function* season(): AsyncGenerator<PartitionRows> {
        for (let week = 1; week <= 30; week++) {
          most = Math.max(most, ++inFlight);
          yield item(week);
        }
      }
      const result = await storage.replacePartitions(ENTITY, season(), {
        concurrency: 4,
        onProgress: ({ partitions }) => {
          inFlight--;
          seen.push(partitions);
        },
      });
      expect(result).toEqual({ partitions: 30, rows: 60 });
      expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
      expect(most).toBeLessThanOrEqual(5);
      expect(await storage.readIndex(ENTITY, { week: "3" })).toEqual([
        { a: 3, year: "2024", week: "3" },
        { a: 3, year: "2024", week: "3" },
      ]);
      expect(await storage.readIndex(ENTITY)).toHaveLength(60);
    });

    it("stops at the first failure, and names replaced and failed partitions", async () => {
      const source = [
        item(1),
        item(2),
        item(3, [{ a: 1 }, { a: "x" }]),
        ...Array.from({ length: 50 }, (_, i) => item(i + 10)),
      ];
      const error = await storage.replacePartitions(ENTITY, source, { concurrency: 2 }).then(
        () => undefined,
        (reason: PartialWriteError) => reason,
      );
      expect(error).toMatchObject({
        code: "invalid_argument",
        op: "replacePartitions",
        name: "StorageError",
      });
      expect(error?.message).toContain("year=2024/week=3");
      expect(error?.failed.map(({ partition: { entries } }) => entries[1]?.[1])).toEqual(["3"]);
      const committed = error?.committed.map((each) => each.get("week")) ?? [];
      expect(committed).toContain("1");
      expect(committed.length).toBeLessThan(10);
      const weeks = new Set((await storage.readIndex(ENTITY)).map((row) => row["week"]));
      expect([...weeks].sort()).toEqual([...committed].sort());
    });

    it("reports a source that fails or yields a partition twice", async () => {
      async function* broken(): AsyncGenerator<PartitionRows> {
        yield item(1);
        throw new Error("the API is down");
      }
      await expect(storage.replacePartitions(ENTITY, broken())).rejects.toMatchObject({
        code: "invalid_argument",
        message: expect.stringContaining("the API is down"),
        committed: [expect.anything()],
      });
      await expect(storage.replacePartitions(ENTITY, [item(1), item(1)])).rejects.toThrow("comes twice");
    });
  });

  describe("write", () => {
    it("retries a conflict with onConflict: retry, and loses no row", async () => {
      await Promise.all(
        Array.from({ length: 6 }, (_, a) =>
          storage.write(ENTITY, [{ a }], p2024, { overwrite: false, onConflict: "retry" }),
        ),
      );
      expect((await storage.readIndex(ENTITY)).map((row) => row["a"]).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    });

    it("writes to the existing folder, however another system spelled it", async () => {
      await put(`${ENTITY}/year=2024/team=Texas A&M/data.parquet`, await parquet([{ a: 1 }]));
      const aggies = partition({ year: 2024, team: "Texas A&M" });
      await storage.write(ENTITY, [{ a: 2 }], aggies, { overwrite: false });
      expect((await storage.readIndex(ENTITY, { team: "Texas A&M" })).map((row) => row["a"])).toEqual([1, 2]);
      await storage.write(ENTITY, [{ a: 3 }], aggies);
      expect((await storage.readIndex(ENTITY)).map((row) => row["a"])).toEqual([3]);
      expect((await storage.listFiles()).every((file) => file.includes("team=Texas A&M/"))).toBe(true);
      await put(`${ENTITY}/year=2024/team=Texas%20A%26M/data.parquet`, await parquet([{ a: 1 }]));
      await expect(storage.write(ENTITY, [{ a: 4 }], aggies)).rejects.toMatchObject({
        code: "invalid_path",
        message: expect.stringContaining('twice, as "team=Texas A&M" and as "team=Texas%20A%26M"'),
      });
    });

    it("treats composed and decomposed é as the same value", async () => {
      await put(
        `${ENTITY}/team=San Jose\u0301/data.parquet`,
        await encodeParquet([{ a: 1 }], [{ name: "a", type: "int64" }]),
      );
      expect(await storage.readIndex(ENTITY, { team: "San Jos\u00e9" })).toHaveLength(1);
      await storage.write(ENTITY, [{ a: 2 }], partition({ team: "San Jos\u00e9" }));
      expect((await storage.readIndex(ENTITY)).map(({ a }) => a)).toEqual([2]);
    });

    it("refuses a new partition with other keys than the entity's, unless allowOtherKeys is set", async () => {
      await storage.write(ENTITY, [{ a: 1 }], partition({ year: 2024, week: 1 }));
      const others = [
        { year: 2025 },
        { week: 1, year: 2025 },
        { year: 2025, week: 1, team: "Rice" },
        { season: 2025, week: 1 },
      ];
      for (const values of others) {
        await expect(storage.write(ENTITY, [{ a: 1 }], partition(values))).rejects.toMatchObject({
          code: "invalid_path",
          message: expect.stringContaining("partitioned by year, week, the new partition"),
        });
      }
      await expect(storage.write(ENTITY, [{ a: 1 }], partition({}))).rejects.toMatchObject({
        code: "invalid_path",
      });
      await storage.write(ENTITY, [{ a: 1 }], partition({ year: 2025 }), { allowOtherKeys: true });
      await expect(storage.write("raw/flat", [{ a: 1 }], partition({}))).rejects.toThrow("has no key");
      const odd = Partition.of([["a=b", "x"]]);
      await expect(storage.write("raw/odd", [{ a: 1 }], odd)).rejects.toThrow('"a=b" is "a%3Db" in a path');
      await storage.write("raw/odd", [{ a: 1 }], odd, { allowOtherKeys: true });
      expect(await storage.readIndex("raw/odd")).toEqual([{ a: 1, "a=b": "x" }]);
      await storage.write("raw/flat", [{ a: 1 }], partition({}), { allowOtherKeys: true });
      await expect(storage.write("raw/flat", [{ a: 1 }], p2024)).rejects.toThrow(
        "raw/flat is not partitioned",
      );
      // Before a refusal, the remembered keys of an entity are read again.
      await storage.delete(await storage.listFiles(ENTITY));
      await storage.write(ENTITY, [{ a: 1 }], p2024);
    });
  });

  it("inspect returns the keys, sizes and columns of an entity, and where its columns drift", async () => {
    await storage.write(ENTITY, [{ a: 1, b: "x", c: null }], partition({ year: 2019, team: "Rice" }));
    const drifting = { allowOtherTypes: true };
    await storage.write(
      ENTITY,
      [{ a: 2.5, b: "x", c: "y" }],
      partition({ year: 2020, team: "Rice" }),
      drifting,
    );
    await storage.write(
      ENTITY,
      [{ a: 3.5, b: "x", c: "y" }],
      partition({ year: 2020, team: null }),
      drifting,
    );
    await put(`${ENTITY}/year=2021/team=Rice/data.csv`, text("a,b\n1,x\n2,y\n"));
    await put(`${ENTITY}/year=2022/team=Rice/data.parquet`, text("no Parquet at all"));
    const report = await storage.inspect(ENTITY);
    expect(report).toMatchObject({ entity: ENTITY, partitions: 5, files: 5, rows: 5 });
    expect(report.keys).toEqual([
      { key: "year", values: 4, examples: ["2019", "2020", "2021", "2022"] },
      { key: "team", values: 2, examples: ["Rice", null] },
    ]);
    expect(report.schemas).toHaveLength(3);
    expect(report.schemas[0]).toMatchObject({ partitions: 2 });
    expect(report.drift.map(({ column, types }) => [column, types.map(({ type }) => type)])).toEqual([
      ["a", ["double", "int64"]],
      ["c", ["string", "absent"]],
    ]);
    expect(report.unreadable).toHaveLength(1);
    await expect(storage.inspect("raw/none")).rejects.toMatchObject({ code: "not_found" });
  });
});
