import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, partition, Storage, type StorageBackend } from "@parquetry/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

const GAMES = 200;
let cacheDirectory: string;
let backend: StorageBackend;
let db: QueryDatabase;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-enough-"));
  backend = createMemoryBackend();
  const storage = new Storage(backend);
  await storage.replacePartitions(
    "raw/plays",
    Array.from({ length: GAMES }, (_, game) => ({
      partition: partition({ game: String(1000 + game) }),
      rows: [
        { play: 1, yards: game },
        { play: 2, yards: -game, ...(game === 150 ? { flag: "late" } : {}) },
      ],
    })),
  );
  db = await openQuery(storage, { cacheDirectory });
});

afterAll(async () => {
  await db.close();
  await rm(cacheDirectory, { recursive: true, force: true });
});

it.each([
  ["FROM plays LIMIT 5", 5, 8],
  ["SELECT yards + 1 AS next, game FROM plays WHERE yards >= 0 LIMIT 3 OFFSET 2", 3, 8],
  ["SELECT CASE WHEN play = 1 THEN game END AS g FROM plays LIMIT 16", 16, 8],
  ["SELECT play FROM plays WHERE game >= 1100 LIMIT 1", 1, 8],
  // More than the first eight partitions hold.
  ["FROM plays LIMIT 17", 17, 64],
  ["SELECT game FROM plays WHERE yards = 60", 1, GAMES],
  ["SELECT game FROM plays WHERE yards = 60 LIMIT 1", 1, 64],
  ["SELECT game FROM plays WHERE yards = 1e9 LIMIT 1", 0, GAMES],
  ["FROM plays LIMIT 1000", 2 * GAMES, GAMES],
])("%s returns %i rows from %i partitions", async (sql, rows, partitions) => {
  const result = await db.sql(sql);
  expect(result.rows).toHaveLength(rows);
  expect(result.stats.tables[0]?.partitions).toBe(partitions);
});

it.each([
  ["SELECT count(*) AS n FROM plays LIMIT 1", [{ n: 2 * GAMES }]],
  ["SELECT sum(yards) OVER () AS s, max(game) OVER () AS g FROM plays LIMIT 1", [{ s: 0, g: 1199 }]],
  ["SELECT yards FROM plays ORDER BY yards DESC LIMIT 1", [{ yards: 199 }]],
  ["SELECT DISTINCT play FROM plays ORDER BY ALL LIMIT 3", [{ play: 1 }, { play: 2 }]],
  ["SELECT play, count(*) AS n FROM plays GROUP BY play ORDER BY play LIMIT 1", [{ play: 1, n: GAMES }]],
  ["WITH all_plays AS (SELECT max(game) AS g FROM plays) FROM all_plays LIMIT 1", [{ g: 1199 }]],
  ["SELECT g FROM (SELECT max(game) AS g FROM plays) LIMIT 1", [{ g: 1199 }]],
  ["SELECT game FROM plays WHERE yards = (SELECT max(yards) FROM plays) LIMIT 1", [{ game: 1199 }]],
  ["SELECT (SELECT max(yards) FROM plays) AS m FROM plays LIMIT 1", [{ m: 199 }]],
  ["SELECT yards FROM plays QUALIFY row_number() OVER (ORDER BY yards) = 1 LIMIT 1", [{ yards: -199 }]],
  ["SELECT max(yards) AS m FROM plays HAVING max(yards) > 0 LIMIT 1", [{ m: 199 }]],
  [
    "SELECT a.game FROM plays a JOIN plays b ON a.yards = -b.yards WHERE a.yards = 190 LIMIT 1",
    [{ game: 1190 }],
  ],
])("%s reads every partition", async (sql, rows) => {
  expect((await db.sql(sql)).rows).toEqual(rows);
});

it("finds a column that only later files have", async () => {
  expect((await db.sql("SELECT flag FROM plays WHERE flag IS NOT NULL LIMIT 1")).rows).toEqual([
    { flag: "late" },
  ]);
});

it("reads only as much as it takes to refuse a result that is too large", async () => {
  await expect(db.sql("FROM plays", [], { maxRows: 4 })).rejects.toMatchObject({ code: "invalid_argument" });
  expect((await db.sql("FROM plays", [], { maxRows: 2 * GAMES })).rows).toHaveLength(2 * GAMES);
  expect((await db.sql("FROM plays LIMIT 5", [], { maxRows: 5 })).stats.tables[0]?.partitions).toBe(8);
});

it("writes a Parquet file with that many rows, and explains that it stops", async () => {
  expect((await db.toParquet("FROM plays LIMIT 17")).stats).toMatchObject({ rowCount: 17 });
  expect(await db.explain("FROM plays LIMIT 17")).toMatchObject({ stopAfterRows: 17 });
  expect(await db.explain("SELECT count(*) FROM plays LIMIT 17")).toMatchObject({ stopAfterRows: undefined });
});
