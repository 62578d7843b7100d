import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase, type QueryProgress } from "../src/index.ts";

let folder: string;
let storage: Storage;
let db: QueryDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-limits-"));
  storage = new Storage(createMemoryBackend());
  for (const year of [2022, 2023, 2024]) {
    const rows = Array.from({ length: 10 }, (_, i) => ({ play: i, text: "x".repeat(100) }));
    await storage.write("raw/plays", rows, partition({ year }));
  }
  db = await openQuery(storage, { cacheDirectory: join(folder, "cache") });
});

afterAll(async () => {
  await db?.close();
  await rm(folder, { recursive: true, force: true });
});

describe("columns", () => {
  it.each([undefined, 10_000_000])(
    "returns the rows of all batches in order with maxBytes %s",
    async (maxBytes) => {
      const sql = "SELECT i * 10 + play AS n FROM plays, range(1000) t(i) WHERE year = 2024 ORDER BY n";
      const { data } = await db.columns(sql, undefined, { maxBytes });
      expect(data).toEqual({ n: Array.from({ length: 10_000 }, (_, i) => i) });
    },
  );

  it("returns one array per column", async () => {
    const { data, columns, stats } = await db.columns(
      'SELECT year, count(*) AS plays, 1 AS year, 2 AS "__proto__" FROM plays GROUP BY year ORDER BY 1',
    );
    expect(Object.entries(data)).toEqual([
      ["year", [2022, 2023, 2024]],
      ["plays", [10, 10, 10]],
      ["year:1", [1, 1, 1]],
      ["__proto__", [2, 2, 2]],
    ]);
    expect(columns.map(({ name }) => name)).toEqual(["year", "plays", "year:1", "__proto__"]);
    expect(stats.rowCount).toBe(3);
  });

  it("returns empty arrays for no rows", async () => {
    expect((await db.columns("SELECT play FROM plays WHERE year = 1900")).data).toEqual({ play: [] });
  });
});

describe("a result limit", () => {
  const ALL = "SELECT year, play, play AS year FROM plays ORDER BY ALL; -- all";

  it("returns a result that fits, with the same column names", async () => {
    const { rows } = await db.sql(ALL, undefined, { maxRows: 30 });
    expect(rows).toEqual((await db.sql(ALL)).rows);
    expect(rows[0]).toEqual({ year: 2022, play: 0, "year:1": 0 });
  });

  it("refuses more rows in every call", async () => {
    const refused = {
      code: "invalid_argument",
      message: expect.stringMatching(/more than 29 rows.*LIMIT.*maxRows/),
    };
    const options = { maxRows: 29 };
    await expect(db.sql(ALL, undefined, options)).rejects.toMatchObject(refused);
    await expect(db.columns(ALL, undefined, options)).rejects.toMatchObject(refused);
    await expect(db.open(ALL, undefined, options)).rejects.toMatchObject(refused);
    await expect(db.stream(ALL, undefined, options).next()).rejects.toMatchObject(refused);
    await expect(db.toParquet(ALL, undefined, options)).rejects.toMatchObject(refused);
  });

  it("does not compute rows beyond the limit", async () => {
    await expect(db.sql("FROM range(1_000_000_000_000)", undefined, { maxRows: 10 })).rejects.toThrow(
      /10 rows/,
    );
  });

  it("refuses more bytes", async () => {
    const sql = "SELECT text FROM plays WHERE year = 2024";
    expect((await db.sql(sql, undefined, { maxBytes: 1_000 })).rows).toHaveLength(10);
    await expect(db.sql(sql, undefined, { maxBytes: 999 })).rejects.toThrow(/more than 999 bytes.*maxBytes/);
    await expect(db.columns("SELECT [text] FROM plays", undefined, { maxBytes: 3_000 })).rejects.toThrow(
      /bytes/,
    );
    await expect(db.toParquet(sql, undefined, { maxBytes: 10 })).rejects.toThrow(/bytes/);
  });
});

it("reports its progress", async () => {
  const seen: QueryProgress[] = [];
  await using fresh = await openQuery(storage, { cacheDirectory: join(folder, "other") });
  const sql =
    "SELECT max(md5(a.play::VARCHAR || b.range::VARCHAR)) AS m FROM plays a, range(40_000) b WHERE year > 2022";
  await fresh.sql(sql, undefined, { onProgress: (progress) => void seen.push(progress) });
  const fetched = seen.filter(({ phase }) => phase === "fetching");
  expect(seen[0]).toEqual({ phase: "planning", listRequests: 1 });
  expect(fetched).toHaveLength(2);
  expect(fetched.at(-1)).toMatchObject({ files: 2, totalFiles: 2 });
  expect(seen.at(-1)).toEqual({ phase: "running" });
  const last = fetched.at(-1);
  expect(last?.phase === "fetching" && last.bytes === last.totalBytes && last.bytes > 0).toBe(true);
});

describe("trusted SQL", () => {
  it("can do whatever DuckDB can, in addition to the tables", async () => {
    const csv = join(folder, "teams.csv");
    await writeFile(csv, "team,year\nHawai'i,2024\n");
    await using trusted = await openQuery(storage, { cacheDirectory: join(folder, "cache"), trusted: true });
    const joined = await trusted.sql(
      `SELECT team, count(*) AS plays FROM plays JOIN '${csv}' USING (year) GROUP BY team`,
    );
    expect(joined.rows).toEqual([{ team: "Hawai'i", plays: 10 }]);
    const out = join(folder, "out.csv");
    await trusted.sql(`COPY (SELECT play FROM plays WHERE year = $year ORDER BY play LIMIT 2) TO '${out}'`, {
      year: 2023,
    });
    expect(await readFile(out, "utf8")).toBe("play\n0\n1\n");
    expect((await trusted.sql("SELECT current_setting('threads') AS t")).rows).toHaveLength(1);
    expect((await trusted.sql("SET threads = 1")).rows).toEqual([]);
    expect((await trusted.sql("SELECT current_setting('threads') AS t")).rows).toEqual([{ t: 1 }]);
  });

  it("still prunes, limits, and names a missing table", async () => {
    await using trusted = await openQuery(storage, { cacheDirectory: join(folder, "cache"), trusted: true });
    const { stats } = await trusted.sql("SELECT play FROM plays WHERE year = 2024");
    expect(stats.tables).toMatchObject([{ levels: [{ key: "year", kept: 1, total: 3 }], files: 1 }]);
    await expect(trusted.sql("FROM plays", undefined, { maxRows: 5 })).rejects.toThrow(/5 rows/);
    await expect(trusted.sql("FROM palys")).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("is refused by default", async () => {
    await expect(db.sql(`FROM '${join(folder, "teams.csv")}'`)).rejects.toThrow();
  });
});
