import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, partition, Storage } from "@parquetry/core";
import { processOwner } from "@parquetry/core/unstable";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

let cacheDirectory: string;
let storage: Storage;
let db: QueryDatabase;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-isolated-"));
  storage = new Storage(createMemoryBackend());
  for (const year of [2023, 2024]) {
    const rows = [{ team: "Hawai'i", yards: 9_007_199_254_740_993n, at: new Date(year) }];
    await storage.write("raw/plays", rows, partition({ year }));
  }
});

afterAll(() => rm(cacheDirectory, { recursive: true, force: true }));

beforeEach(async () => {
  db = await openQuery(storage, { cacheDirectory, isolate: true, memoryLimit: "200MB", threads: 2 });
});

afterEach(() => db.close());

const OWN_SCRATCH = `parquetry-query-${processOwner()}`;
const WAIT = { timeout: 60_000 };
const SQL = "SELECT *, {'a': [1, 2]} AS s, 'x'::BLOB AS b FROM plays WHERE year = $year";
/** Texts are outside of what DuckDB's own limit counts, and a long one is made in one step that cannot be interrupted. */
const GREEDY = "SELECT max(length(repeat('x' || range, 40_000_000))) AS m FROM range(4000)";

it("returns what a database in this process returns", async () => {
  await using plain = await openQuery(storage, { cacheDirectory, isolate: false });
  const expected = await plain.sql(SQL, { year: 2024 });
  const { rows, columns, stats } = await db.sql(SQL, { year: 2024 });
  expect({ rows, columns, tables: stats.tables }).toEqual({
    rows: expected.rows,
    columns: expected.columns,
    tables: expected.stats.tables,
  });
  await expect(db.sql("SELECT yrads FROM plays")).rejects.toThrow(/Did you mean "yards"/);
  await expect(db.sql("COPY plays TO 'x'")).rejects.toMatchObject({ code: "permission_denied" });
  await expect(db.sql("SELECT $x", { x: (() => {}) as never })).rejects.toMatchObject({
    code: "invalid_argument",
  });
  expect((await db.toParquet("FROM plays")).stats.rowCount).toBe(2);
});

it("streams batches, and runs the next query after the loop is left", async () => {
  let rows = 0;
  const sql = "SELECT a.range AS n, md5(b.range::VARCHAR) AS t FROM range(400) a, range(5000) b";
  for await (const batch of db.stream(sql)) {
    rows += batch.length;
    if (rows > 100_000) break;
  }
  expect(rows).toBeGreaterThan(100_000);
  expect((await db.sql("SELECT 1 AS a")).rows).toEqual([{ a: 1 }]);
});

it("leaves results while their next batch is prepared, and answers with the same process", async () => {
  const sql = "SELECT a.range AS n, md5(a.range::VARCHAR) AS t, [a.range, 1] AS l FROM range(20000) a";
  const results = await Promise.all(Array.from({ length: 8 }, () => db.open("SELECT 1 AS kept")));
  const leave = async (batches: number): Promise<void> => {
    let taken = 0;
    for await (const _ of db.stream(sql)) if (++taken > batches) break;
  };
  for (let round = 0; round < 10; round++) await Promise.all([0, 0, 1, 2, 3].map(leave));
  // Results that were open before are lost with a process that ends.
  for (const result of results) for await (const rows of result) expect(rows).toEqual([{ kept: 1 }]);
});

it("survives a query that uses all memory", async () => {
  await expect(db.sql(GREEDY)).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(/memory/),
  });
  expect((await db.sql("SELECT sum(year) AS y FROM plays")).rows).toEqual([{ y: 4047 }]);
});

it("kills a query that does not stop when it is aborted", async () => {
  await db.tables();
  // Folded while the query is planned, in one step.
  const endless =
    "SELECT length(repeat(md5('x'), 6_000_000)) + length(regexp_replace(repeat('ab', 4_000_000), '(a|b)(a|b)', '\\2\\1\\2', 'g')) FROM range(1_000_000)";
  for (const sql of [endless, "SELECT count(*) FROM range(1_000_000_000_000)"]) {
    await expect(db.sql(sql, undefined, { signal: AbortSignal.timeout(300) })).rejects.toMatchObject({
      code: "aborted",
    });
    await expect(db.sql(sql, undefined, { timeoutMs: 300 })).rejects.toMatchObject({ code: "timeout" });
  }
  expect((await db.sql("SELECT 1 AS a")).rows).toEqual([{ a: 1 }]);
});

it("stops writing a result when it is aborted", async () => {
  const results = async (): Promise<string[]> => {
    const [folder = ""] = (await readdir(tmpdir())).filter((name) => name.startsWith(OWN_SCRATCH));
    const names = await readdir(join(tmpdir(), folder), { recursive: true });
    return names.filter((name) => name.endsWith(".parquet"));
  };
  const controller = new AbortController();
  const endless = "SELECT count(*) FROM range(1_000_000_000_000)";
  const writing = db.toParquet(endless, undefined, { signal: controller.signal });
  await expect.poll(results, WAIT).toHaveLength(1);
  controller.abort();
  await expect(writing).rejects.toMatchObject({ code: "aborted" });
  await expect.poll(results, WAIT).toEqual([]);
});

it("leaves no directory behind, and runs no query after it is closed", async () => {
  const scratch = async (): Promise<string[]> =>
    (await readdir(tmpdir())).filter((name) => name.startsWith(OWN_SCRATCH));
  const before = await scratch();
  const other = await openQuery(storage, { cacheDirectory, isolate: true });
  await other.sql("SELECT 1");
  await other.close();
  expect((await scratch()).filter((name) => !before.includes(name))).toEqual([]);
  await expect(other.sql("SELECT 1")).rejects.toThrow(/closed/);
});

it("refuses a memory limit that is not a size", async () => {
  await expect(openQuery(storage, { cacheDirectory, isolate: true, memoryLimit: "much" })).rejects.toThrow(
    /must be a size such as "4GB"/,
  );
});
