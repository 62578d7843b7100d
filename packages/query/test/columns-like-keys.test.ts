import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { parseKey, partition, Storage } from "@parquetry/core";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { generateDdl, openQuery, type QueryDatabase } from "../src/index.ts";

let root: string;
let storage: Storage;
let db: QueryDatabase;
let instance: DuckDBInstance;
let writer: DuckDBConnection;
let server: S3Server;

beforeAll(async () => {
  instance = await DuckDBInstance.create(":memory:");
  writer = await instance.connect();
  server = await startS3Server({ buckets: ["football"] });
});

beforeEach(async () => {
  await db?.close();
  if (root !== undefined) await rm(root, { recursive: true, force: true });
  root = await mkdtemp(join(tmpdir(), "parquetry-like-keys-"));
  await mkdir(join(root, "data"));
  storage = new Storage(await createLocalBackend({ root: join(root, "data") }));
  db = await openQuery(storage, { cacheDirectory: join(root, "cache") });
});

afterAll(async () => {
  await db?.close();
  await server?.close();
  writer?.closeSync();
  instance?.closeSync();
  await rm(root, { recursive: true, force: true });
});

async function put(path: string, select: string): Promise<void> {
  const file = join(root, "data", path);
  await mkdir(dirname(file), { recursive: true });
  await writer.run(`COPY (${select}) TO '${file}' (FORMAT parquet)`);
}

const rowsOf = async (sql: string): Promise<unknown> => (await db.sql(sql)).rows;

describe("a column that differs from a partition key only in case", () => {
  it("is written, and returned by SQL under a name with a number", async () => {
    await storage.write("t", [{ Year: 1999, n: 1 }], partition({ year: 2023 }));
    await storage.write("t", [{ Year: 1998, n: 2 }], partition({ year: 2024 }));
    expect(await rowsOf("FROM t ORDER BY year")).toEqual([
      { Year_1: 1999, n: 1, year: 2023 },
      { Year_1: 1998, n: 2, year: 2024 },
    ]);
    expect(await storage.readIndex("t", { year: "2024" })).toEqual([{ Year: 1998, n: 2, year: "2024" }]);
    expect((await db.describe("t")).columns).toEqual([
      { name: "Year_1", source: "Year", type: "BIGINT" },
      { name: "n", type: "BIGINT" },
    ]);
  });

  it("is never taken for the key when partitions are chosen", async () => {
    await storage.write("t", [{ Year: 2024, n: 1 }], partition({ year: 2023 }));
    await storage.write("t", [{ Year: 2023, n: 2 }], partition({ year: 2024 }));
    expect(await rowsOf("SELECT n FROM t WHERE Year_1 = 2024")).toEqual([{ n: 1 }]);
    expect(await rowsOf("SELECT n FROM t WHERE Year = 2024")).toEqual([{ n: 2 }]);
    expect(await rowsOf("SELECT n FROM t WHERE year = 2024 AND year_1 = 2023")).toEqual([{ n: 2 }]);
    expect(await rowsOf("SELECT n FROM t WHERE year = 2024 AND year_1 = 2024")).toEqual([]);
    const { tables } = await db.explain("SELECT n FROM t WHERE Year_1 = 2024");
    expect(tables).toMatchObject([{ partitions: 2, levels: [] }]);
    expect((await db.explain("SELECT Year_1 FROM t WHERE year = 2024")).tables).toMatchObject([
      { partitions: 1 },
    ]);
  });

  it.each([
    [{ A: 1 }, { a: "x" }, ["a_1", "A"]],
    [{ A: 1, team: "x" }, { a: 2, Team: 3, TEAMS: 4 }, ["a_1", "Team_1", "TEAMS", "A", "team"]],
    [{ year: 1 }, { Year: 1, Year_1: 2, YEAR_2: 3 }, ["Year_3", "Year_1", "YEAR_2", "year"]],
    [{ year: 1, year_1: 2 }, { Year: 3, Year_1: 4 }, ["Year_2", "Year_1_1", "year", "year_1"]],
    // SQL ignores the case of ASCII letters only, so these names differ.
    [{ É: 1 }, { é: 2 }, ["é", "É"]],
    [{ k: 1 }, { "\u212a": 2 }, ["\u212a", "k"]],
    [{ ÉA: 1 }, { Éa: 2 }, ["Éa_1", "ÉA"]],
  ])("next to the keys %j: the columns of %j are %j", async (keys, row, names) => {
    await storage.write("t", [row], partition(keys));
    expect((await db.sql("FROM t")).columns.map(({ name }) => name)).toEqual(names);
    const quoted = names.map((name) => `"${name}"`).join(", ");
    const values = [...Object.values(row), ...Object.values(keys)];
    expect(Object.values((await db.sql(`SELECT ${quoted} FROM t`)).rows[0] ?? {})).toEqual(values);
    expect((await db.describe("t")).columns.map(({ name }) => name)).toEqual(
      names.slice(0, -Object.keys(keys).length),
    );
  });

  it("keeps that name whatever files a query reads, in any case that a file has", async () => {
    await put("t/year=1/a.parquet", "SELECT 10 AS Year, 1 AS n");
    await put("t/year=2/a.parquet", "SELECT 20 AS YEAR, 2 AS n");
    await put("t/year=3/a.parquet", "SELECT 3 AS n");
    await put("t/year=4/a.parquet", "SELECT 30 AS yeaR, 4 AS n");
    expect(await rowsOf("SELECT year, Year_1 FROM t ORDER BY year")).toEqual([
      { year: 1, yeaR_1: 10 },
      { year: 2, yeaR_1: 20 },
      { year: 3, yeaR_1: null },
      { year: 4, yeaR_1: 30 },
    ]);
    expect(await rowsOf("SELECT year_1 FROM t WHERE year = 2")).toEqual([{ yeaR_1: 20 }]);
    expect(await rowsOf("SELECT year_1 FROM t WHERE year = 3")).toEqual([{ yeaR_1: null }]);
  });

  it("is refused where another file has a column of that name", async () => {
    await put("t/year=1/a.parquet", "SELECT 10 AS Year, 1 AS n");
    await put("t/year=2/a.parquet", "SELECT 20 AS year_1, 2 AS n");
    await put("t/year=3/a.parquet", "SELECT 3 AS n");
    await expect(db.sql("FROM t")).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining('"Year" and "year_1"'),
    });
    expect(await rowsOf("SELECT n FROM t ORDER BY n")).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(await rowsOf("SELECT Year_1 FROM t WHERE year = 1")).toEqual([{ Year_1: 10 }]);
  });

  it("has its declared type, in Parquet and CSV", async () => {
    await put("t/year=1/a.parquet", "SELECT 10 AS Year");
    await mkdir(join(root, "data/t/year=2"));
    await writeFile(join(root, "data/t/year=2/a.csv"), "YEAR\n007\n");
    await using typed = await openQuery(storage, {
      cacheDirectory: join(root, "cache"),
      columnTypes: { t: { Year_1: "VARCHAR" } },
    });
    const { rows } = await typed.sql("SELECT year, Year_1 FROM t ORDER BY year");
    expect(rows).toEqual([
      { year: 1, YEAR_1: "10" },
      { year: 2, YEAR_1: "007" },
    ]);
  });

  it("keeps its own name in a merged file", async () => {
    await storage.write("t", [{ Year: 2, n: 1 }], partition({ year: 2024 }));
    await storage.write("t", [{ Year: 1, n: 2 }], partition({ year: 2024 }), { overwrite: false });
    const { compacted, failed } = await db.compact("t", { sortBy: ["year", "Year_1"] });
    expect([compacted.length, failed]).toEqual([1, []]);
    expect(await storage.readIndex("t")).toEqual([
      { Year: 1, n: 2, year: "2024" },
      { Year: 2, n: 1, year: "2024" },
    ]);
    expect(await rowsOf("SELECT Year_1 FROM t ORDER BY ALL")).toEqual([{ Year_1: 1 }, { Year_1: 2 }]);
  });

  it("fails a merge that would make the key a column of the same file", async () => {
    for (const year of [2023, 2024])
      await storage.write("t", [{ Year: 1, n: 2 }], partition({ team: "x", year }));
    const { failed } = await db.compact("t", { into: { entity: "u", keys: ["team"] } });
    expect(failed).toMatchObject([
      { partition: "team=x", error: { message: expect.stringMatching(/column Year.*key year/) } },
    ]);
    const kept = await db.compact("t", { into: { entity: "v", keys: ["year"] } });
    expect(kept.failed).toEqual([]);
    expect(await storage.readIndex("v", { year: "2024" })).toEqual([
      { Year: 1, n: 2, team: "x", year: "2024" },
    ]);
  });

  it("is left out of the statements for other engines, with a comment", async () => {
    await storage.write("t", [{ Year: 2, n: 1 }], partition({ year: 2024 }));
    const table = await db.describe("t");
    for (const engine of ["trino", "athena", "spark", "duckdb"] as const) {
      const ddl = generateDdl(engine, table, "s3://football/t");
      expect(ddl).toMatch(/^-- "Year" is left out: it differs from a partition key only in case\.\n/);
      expect(ddl).not.toContain("Year_1");
    }
  });

  it("is read from the parts of a large remote object that it needs", async () => {
    const { endpoint, credentials } = server;
    const backend = createS3Backend({ bucket: "football", endpoint, credentials });
    const remote = new Storage(backend);
    const rows = Array.from({ length: 400_000 }, (_, i) => ({
      Year: 3000 + Math.floor(i / 20_000),
      noise: (i * 2654435761) % 4294967296,
      more: `${(i * 2246822519) % 4294967296}`,
    }));
    await remote.write("big", rows, partition({ year: 2024 }));
    // A column that is called as the key, and has other values.
    const file = join(root, "same.parquet");
    await writer.run(
      `COPY (SELECT 5 AS year, hash(range)::VARCHAR AS noise, hash(range + 1) AS more, range AS id FROM range(400_000))
       TO '${file}' (FORMAT parquet)`,
    );
    await backend.put(parseKey("same/year=2024/a.parquet"), await readFile(file));
    await using cached = await openQuery(remote, { cacheDirectory: join(root, "cache") });
    const one = async (sql: string): Promise<unknown> => {
      const { rows: found, stats } = await cached.sql(sql);
      return [...Object.values(found[0] ?? {}), stats.fetchedBytes > 0];
    };
    expect(await one("SELECT count(*) AS n, sum(Year_1) AS s FROM big WHERE year = 2024")).toEqual([
      400_000,
      1_203_800_000,
      true,
    ]);
    expect(await one("SELECT count(noise) AS n FROM big WHERE Year_1 = 3001")).toEqual([20_000, true]);
    expect(await one("SELECT count(noise) AS n FROM big WHERE year = 3001")).toEqual([0, false]);
    expect(await one("SELECT count(id) AS n FROM same WHERE year = 2024")).toEqual([400_000, true]);
    expect(await one("SELECT max(year) AS n FROM same WHERE id > 5")).toEqual([2024, expect.any(Boolean)]);
    await backend.close();
  }, 60_000);
});

it("returns both of two columns that differ in the case of other letters than ASCII", async () => {
  await put("t/year=1/a.parquet", "SELECT 1 AS É, 2 AS é");
  await put("t/year=2/a.parquet", "SELECT 4 AS é, 3 AS É");
  expect(await rowsOf("SELECT É, é FROM t ORDER BY year")).toEqual([
    { É: 1, é: 2 },
    { É: 3, é: 4 },
  ]);
});

it("takes no name for a CTE that differs from it in the case of other letters than ASCII", async () => {
  await put("t/year=1/a.parquet", "SELECT 1 AS n");
  const sql = 'WITH "É.parquet" AS (SELECT 1) SELECT * FROM "é.parquet"';
  await expect(db.sql(sql)).rejects.toThrow(/there is no table "é.parquet"/);
});
