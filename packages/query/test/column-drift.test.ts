import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { partition, type Row, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

let root: string;
let instance: DuckDBInstance;
let connection: DuckDBConnection;
let storage: Storage;
let db: QueryDatabase;

async function write(entity: string, folder: string, select: string): Promise<void> {
  await mkdir(join(root, entity, folder), { recursive: true });
  await connection.run(`COPY (${select}) TO '${join(root, entity, folder, "a.parquet")}'`);
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-drift-"));
  instance = await DuckDBInstance.create(":memory:");
  connection = await instance.connect();
  // As in real football data: numbers, then nothing but NULL under another type.
  await write(
    "games",
    "year=2018",
    "SELECT 54000::INTEGER AS attendance, 'regular' AS season_type, 7::BIGINT AS id, 1 AS old",
  );
  await write(
    "games",
    "year=2019",
    "SELECT 61000::BIGINT AS attendance, 'regular' AS season_type, 9007199254740993::BIGINT AS id, 2 AS middle",
  );
  await write(
    "games",
    "year=2020",
    "SELECT NULL::BOOLEAN AS attendance, 'regular' AS season_type, 8.0::DOUBLE AS id",
  );
  await write(
    "games",
    "year=2021",
    "SELECT 0.5::DOUBLE AS attendance, 3::BIGINT AS season_type, 8.5::DOUBLE AS id",
  );
  await write("flags", "year=2018", "SELECT 54000::INTEGER AS attendance");
  await write("flags", "year=2019", "SELECT true AS attendance");
  storage = new Storage(await createLocalBackend({ root }));
  db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
});

afterAll(async () => {
  await db?.close();
  connection?.closeSync();
  instance?.closeSync();
  await rm(root, { recursive: true, force: true });
});

describe("columns that drift", () => {
  it("are NULL in SQL where a write left them out of the file, and stay so when files are merged", async () => {
    const write = (year: number, rows: readonly Row[]): Promise<number> =>
      storage.write("holes", rows, partition({ year }), { overwrite: false });
    await write(2019, [{ id: 1, note: null, odds: null }]);
    await write(2019, [{ id: 2, note: null }]);
    await write(2020, [{ id: 3, note: "x" }]);
    await write(2021, [{ id: 4 }]);
    const check = async (): Promise<void> => {
      const { rows } = await db.sql("SELECT id, note, odds FROM holes ORDER BY id");
      expect(rows).toEqual(
        [1n, 2n, 3n, 4n].map((id) => ({ id: Number(id), note: id === 3n ? "x" : null, odds: null })),
      );
      expect((await db.sql("SELECT odds FROM holes WHERE year = 2019")).rows).toEqual([
        { odds: null },
        { odds: null },
      ]);
      expect((await db.sql("SELECT id FROM holes WHERE note = 'x' OR odds = 1")).rows).toEqual([{ id: 3 }]);
      const { columns } = await db.describe("holes");
      expect(columns.map(({ name, type }) => `${name} ${type}`).sort()).toEqual([
        "id BIGINT",
        "note VARCHAR",
        "odds UNKNOWN",
      ]);
    };
    await check();
    const read = await storage.readIndex("holes");
    expect((await db.compact("holes")).compacted).toHaveLength(1);
    await check();
    expect(await storage.readIndex("holes")).toEqual(read);
    const [file] = (await storage.listFiles("holes/year=2019")).filter((name) => name.endsWith(".parquet"));
    expect(await storage.readParquet(file ?? "")).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it("are described by the types in all files, or as UNKNOWN", async () => {
    await write("voids", "year=2018", "SELECT NULL::BOOLEAN AS a, NULL::BOOLEAN AS b, 1 AS c");
    await write("voids", "year=2019", "SELECT NULL::BOOLEAN AS a, 'x' AS b, 1 AS c");
    await write("voids", "year=2020", "SELECT NULL::BOOLEAN AS a, NULL::BOOLEAN AS b, 1.5::DOUBLE AS c");
    const { columns, looked } = await db.describe("voids");
    expect(looked).toEqual({ partitions: 3, of: 3 });
    expect(columns).toEqual([
      { name: "a", type: "UNKNOWN", problem: "NULL in every file that was read" },
      {
        name: "b",
        type: "VARCHAR",
        types: [
          { type: "BOOLEAN", files: 2, hasValues: false },
          { type: "VARCHAR", files: 1, hasValues: true },
        ],
      },
      {
        name: "c",
        type: "DOUBLE",
        types: [
          { type: "INTEGER", files: 2, hasValues: true },
          { type: "DOUBLE", files: 1, hasValues: true },
        ],
      },
    ]);
    const games = await db.describe("games");
    expect(games.columns.find(({ name }) => name === "season_type")).toEqual({
      name: "season_type",
      type: "UNKNOWN",
      problem: "VARCHAR in 3 files, BIGINT in 1 file: no type holds them all",
      types: [
        { type: "VARCHAR", files: 3, hasValues: true },
        { type: "BIGINT", files: 1, hasValues: true },
      ],
    });
  });

  it("never turns a number into true", async () => {
    const { rows, columns } = await db.sql("SELECT year, attendance FROM games ORDER BY year");
    expect(rows.map((row) => row["attendance"])).toEqual([54000, 61000, null, 0.5]);
    expect(columns[1]).toEqual({ name: "attendance", type: "DOUBLE" });
    await expect(db.sql("SELECT attendance FROM flags")).rejects.toThrow(
      /"attendance" of flags is INTEGER in flags\/year=2018\/a\.parquet, BOOLEAN in flags\/year=2019\/a\.parquet/,
    );
  });

  it("gives a column that is NULL throughout its type in the reference files", async () => {
    const { columns, rows } = await db.sql("SELECT attendance FROM games WHERE year = 2020");
    expect(columns).toEqual([{ name: "attendance", type: "DOUBLE" }]);
    expect(rows).toEqual([{ attendance: null }]);
  });

  it("refuses BIGINT with VARCHAR only if the query needs the column", async () => {
    await expect(db.sql("SELECT * FROM games")).rejects.toThrow(
      /"season_type" of games is VARCHAR in .* and 2 more, BIGINT/,
    );
    expect((await db.sql("SELECT count(*) AS c FROM games")).rows).toEqual([{ c: 4 }]);
    expect((await db.sql("SELECT * FROM (SELECT year FROM games) ORDER BY 1 LIMIT 1")).rows).toEqual([
      { year: 2018 },
    ]);
    expect((await db.sql("SELECT season_type FROM games WHERE year < 2021 GROUP BY 1")).rows).toEqual([
      { season_type: "regular" },
    ]);
  });

  it("fails at a whole number that DOUBLE cannot hold", async () => {
    await expect(db.sql("SELECT id FROM games")).rejects.toThrow(
      /DOUBLE in others, which cannot hold 9007199254740993 exactly/,
    );
    expect((await db.sql("SELECT id FROM games WHERE year <> 2019 ORDER BY id")).rows).toEqual([
      { id: 7 },
      { id: 8 },
      { id: 8.5 },
    ]);
    expect((await db.sql("SELECT id FROM games WHERE year = 2019")).rows).toEqual([
      { id: 9007199254740993n },
    ]);
  });

  it("casts to declared types", async () => {
    await using declared = await openQuery(storage, {
      cacheDirectory: join(root, ".cache"),
      columnTypes: { games: { season_type: "VARCHAR", id: "VARCHAR" } },
    });
    const { rows } = await declared.sql("SELECT season_type, id FROM games ORDER BY year");
    expect(rows.map((row) => row["season_type"])).toEqual(["regular", "regular", "regular", "3"]);
    expect(rows[1]).toEqual({ season_type: "regular", id: "9007199254740993" });
    await expect(openQuery(storage, { columnTypes: { games: { id: "BIGINT); DROP" } } })).rejects.toThrow(
      /id must have a SQL type/,
    );
  });

  it("finds columns that only some files have, regardless of pruning", async () => {
    expect((await db.sql("SELECT old FROM games WHERE year = 2021")).rows).toEqual([{ old: null }]);
    const { rows, stats } = await db.sql("SELECT middle FROM games WHERE year = 2019");
    expect(rows).toEqual([{ middle: 2 }]);
    expect(stats.tables[0]?.files).toBe(1);
    expect((await db.sql("SELECT sum(middle) AS s FROM games")).rows).toEqual([{ s: 2 }]);
  });

  it("returns no rows without files", async () => {
    const { rows, columns } = await db.sql("SELECT year, attendance FROM games WHERE year = 1900");
    expect([rows, columns]).toEqual([
      [],
      [
        { name: "year", type: "BIGINT" },
        { name: "attendance", type: "DOUBLE" },
      ],
    ]);
    expect((await db.sql("SELECT count(*) AS c FROM games WHERE false")).stats.tables[0]?.files).toBe(0);
  });

  it("keeps the types of keys regardless of pruning, and refuses values that contradict them", async () => {
    for (const folder of ["a=1/b=1", "a=2/b=x1", "a=3/b=3"]) await write("keys", folder, "SELECT 1 AS v");
    const { columns } = await db.sql("SELECT b FROM keys WHERE a = 3");
    expect(columns).toEqual([{ name: "b", type: "BIGINT" }]);
    await expect(db.sql("SELECT b FROM keys")).rejects.toThrow(/has integers as values, but also "x1"/);
    await using declared = await openQuery(storage, {
      cacheDirectory: join(root, ".cache"),
      hiveTypes: { keys: { b: "VARCHAR" } },
    });
    expect((await declared.sql("SELECT b FROM keys ORDER BY b")).rows).toEqual([
      { b: "1" },
      { b: "3" },
      { b: "x1" },
    ]);
  });

  it("reads odd names, values and column names", async () => {
    for (const folder of [
      "my%20key=null/B=a*%5B1%5D",
      "my%20key=100%25/B=__HIVE_DEFAULT_PARTITION__",
      "my%20key=x/B=Texas A&M",
    ]) {
      await write("odd", folder, `SELECT 1 AS "a.b", 2 AS "B", 3 AS "sel""ect", [1, 2] AS l`);
    }
    const { rows } = await db.sql('SELECT "my key", b, "a.b", "sel""ect" AS s, l FROM odd ORDER BY 1');
    expect(rows).toEqual([
      { "my key": "100%", B: null, "a.b": 1, s: 3, l: [1, 2] },
      { "my key": "null", B: "a*[1]", "a.b": 1, s: 3, l: [1, 2] },
      { "my key": "x", B: "Texas A&M", "a.b": 1, s: 3, l: [1, 2] },
    ]);
    expect((await db.sql(`SELECT count(*) AS c FROM odd WHERE "my key" = 'null'`)).rows).toEqual([{ c: 1 }]);
    expect((await db.sql("SELECT count(*) AS c FROM odd WHERE b IS NULL")).rows).toEqual([{ c: 1 }]);
  });

  it("reads CSV as readCsv does, and as strings where a type is declared", async () => {
    for (const [year, number] of [
      ["2020", "7"],
      ["2021", "07"],
    ]) {
      await mkdir(join(root, "rosters", `year=${year}`), { recursive: true });
      await writeFile(
        join(root, "rosters", `year=${year}`, "r.csv"),
        Buffer.from(`name,number\nJosé,${number}\n`, "latin1"),
      );
    }
    const options = { cacheDirectory: join(root, ".cache"), csv: { encoding: "latin1" } } as const;
    await using latin = await openQuery(storage, options);
    expect((await latin.sql("SELECT name, number FROM rosters WHERE year = 2020")).rows).toEqual([
      { name: "José", number: 7 },
    ]);
    await expect(latin.sql("SELECT number FROM rosters")).rejects.toThrow(/"number" of rosters is BIGINT/);
    await using text = await openQuery(storage, {
      ...options,
      columnTypes: { rosters: { number: "VARCHAR" } },
    });
    expect((await text.sql("SELECT number FROM rosters ORDER BY year")).rows).toEqual([
      { number: "7" },
      { number: "07" },
    ]);
    await expect(db.sql("SELECT name FROM rosters")).rejects.toThrow(/not UTF-8/);
  });
});
