import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  createMemoryBackend,
  type Key,
  parseKey,
  partition,
  Storage,
  type StorageBackend,
} from "@parquetry/core";
import type { ListOptions } from "@parquetry/core/backend";
import { processOwner } from "@parquetry/core/unstable";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openQuery } from "../src/index.ts";

let cacheDirectory: string;
let backend: StorageBackend;
let storage: Storage;

beforeEach(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-remote-"));
  backend = createMemoryBackend();
  storage = new Storage(backend);
  for (const year of [2022, 2023, 2024]) {
    for (const week of [1, 2]) {
      await storage.write("raw/plays", [{ yards: year + week }], partition({ year, week }));
    }
  }
});

afterEach(() => rm(cacheDirectory, { recursive: true, force: true }));

/** Tells which keys are read and which prefixes are listed. */
function watched(inner: StorageBackend): {
  readonly backend: StorageBackend;
  readonly gets: Key[];
  readonly lists: string[];
} {
  const gets: Key[] = [];
  const lists: string[] = [];
  return {
    gets,
    lists,
    backend: {
      ...inner,
      get: (key, options) => {
        gets.push(key);
        return inner.get(key, options);
      },
      list: (options: ListOptions = {}) => {
        lists.push(options.prefix ?? "");
        return inner.list(options);
      },
    },
  };
}

it("lists and fetches only the pruned partitions, and nothing twice", async () => {
  const { backend: store, gets, lists } = watched(backend);
  await using db = await openQuery(new Storage(store), { cacheDirectory });
  await db.explain("FROM plays");
  gets.length = 0;
  lists.length = 0;
  const sql = "SELECT yards FROM plays WHERE year = 2023 AND week IN (SELECT 2)";
  const first = await db.sql(sql);
  expect(first.rows).toEqual([{ yards: 2025 }]);
  expect(lists).toEqual(["raw/plays", "raw/plays/year=2023"]);
  expect(gets.every((key) => key.startsWith("raw/plays/year=2023/"))).toBe(true);
  expect(first.stats.fetchedFiles).toBe(2);

  gets.length = 0;
  const second = await db.sql(sql);
  expect(gets).toEqual([]);
  expect(second.stats.fetchedFiles).toBe(0);
});

it("explains how many files are cached, of Parquet and of CSV", async () => {
  for (const year of [2022, 2023, 2024])
    await storage.writeCsv(`raw/games/year=${year}/a.csv`, [{ score: year }]);
  await using db = await openQuery(storage, { cacheDirectory });
  const cached = async (sql: string): Promise<unknown> =>
    (await db.explain(sql)).tables.map(({ files, filesCached }) => [files, filesCached]);
  // The first use of a table reads a file of its first and of its last partition.
  expect(await cached("FROM plays")).toEqual([[6, 2]]);
  expect(await cached("FROM games")).toEqual([[3, 2]]);
  await db.sql("SELECT p.yards, g.score FROM plays p JOIN games g USING (year) WHERE year = 2023");
  expect(await cached("FROM plays WHERE year = 2023")).toEqual([[2, 2]]);
  expect(await cached("FROM plays")).toEqual([[6, 4]]);
  expect(await cached("FROM games")).toEqual([[3, 3]]);
  expect((await db.sql("FROM plays WHERE year = 2023")).stats.tables[0]).not.toHaveProperty("filesCached");
});

it("reads a replaced partition, and shares the cache with other databases", async () => {
  const sql = "SELECT sum(yards) AS y FROM plays WHERE year = 2024";
  await using db = await openQuery(storage, { cacheDirectory });
  await using other = await openQuery(storage, { cacheDirectory });
  expect((await db.sql(sql)).rows).toEqual([{ y: 4051 }]);
  expect((await other.sql(sql)).stats.fetchedFiles).toBe(0);
  await storage.write("raw/plays", [{ yards: 1 }], partition({ year: 2024, week: 1 }));
  expect((await db.sql(sql)).rows).toEqual([{ y: 2027 }]);
});

it("reads only committed files", async () => {
  const key = parseKey(`raw/plays/year=2024/week=1/part-${"0".repeat(32)}.parquet`);
  const rows = await backend.get(
    parseKey(
      (await storage.listFiles("raw/plays/year=2022/week=1")).find((name) => name.endsWith(".parquet")) ?? "",
    ),
  );
  await backend.put(key, await rows.body.bytes());
  await using db = await openQuery(storage, { cacheDirectory });
  expect((await db.sql("SELECT count(*) AS c FROM plays WHERE year = 2024")).rows).toEqual([{ c: 2 }]);
});

it("plans again if a writer replaces a listed file", async () => {
  let replaced = false;
  const racing: StorageBackend = {
    ...backend,
    async get(key, options) {
      if (!replaced && key.includes("year=2024/week=1") && key.endsWith(".parquet")) {
        replaced = true;
        await storage.write("raw/plays", [{ yards: 7 }], partition({ year: 2024, week: 1 }));
      }
      return backend.get(key, options);
    },
  };
  await using db = await openQuery(new Storage(racing), { cacheDirectory });
  expect((await db.sql("SELECT yards FROM plays WHERE year = 2024 AND week = 1")).rows).toEqual([
    { yards: 7 },
  ]);
  expect(replaced).toBe(true);
});

it("refuses an object that was damaged on the way", async () => {
  const damaging: StorageBackend = {
    ...backend,
    async *list(options) {
      for await (const page of backend.list(options)) {
        yield {
          ...page,
          objects: page.objects.map((info) =>
            info.key.includes("year=2023") ? { ...info, md5: "0".repeat(32) } : info,
          ),
        };
      }
    },
  };
  await using db = await openQuery(new Storage(damaging), { cacheDirectory });
  await expect(db.sql("SELECT * FROM plays WHERE year = 2023")).rejects.toThrow(/was damaged on the way/);
  expect((await db.sql("SELECT count(*) AS c FROM plays WHERE year = 2022")).rows).toEqual([{ c: 2 }]);
});

it("names a file that is not Parquet", async () => {
  await backend.put(parseKey("raw/broken/year=2024/a.parquet"), Buffer.from("PAR1 is not enough PAR1"));
  await using db = await openQuery(storage, { cacheDirectory });
  await expect(db.sql("SELECT * FROM broken")).rejects.toMatchObject({
    code: "corrupt",
    message: expect.stringContaining("raw/broken/year=2024/a.parquet"),
  });
});

it("removes its temporary files when closed, and runs no more queries", async () => {
  const folders = async (): Promise<string[]> =>
    (await readdir(tmpdir())).filter((name) => name.startsWith(`parquetry-query-${processOwner()}`));
  const before = await folders();
  const db = await openQuery(storage, { cacheDirectory });
  await db.sql("SELECT * FROM plays");
  expect(await folders()).toHaveLength(before.length + 1);
  await db.close();
  expect(await folders()).toEqual(before);
  await expect(db.sql("SELECT 1")).rejects.toThrow(/closed/);
});
