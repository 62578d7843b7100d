import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, isStorageError, partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

/** How late a query may be on a machine that is busy with other tests. An idle one needs a tenth. */
const LATE_MS = 2_000;
const TIMEOUT_MS = 500;

const times = (count: number, text: (i: number) => string, separator = ""): string =>
  Array.from({ length: count }, (_, i) => text(i)).join(separator);
const nested = (count: number, open: string, inner: string, close: string): string =>
  open.repeat(count) + inner + close.repeat(count);

/** Statements that keep DuckDB busy while it parses, plans or runs them. */
const LONG: Readonly<Record<string, string>> = {
  "300 joins": `SELECT count(*) FROM g ${times(300, (i) => `JOIN g g${i} USING (y)`, " ")}`,
  "20,000 UNION ALLs": times(20_000, () => "SELECT 1", " UNION ALL "),
  "nested comments": `SELECT 1 ${nested(200_000, "/*", "", "*/")}`,
  "20,000 CTEs": `WITH ${times(20_000, (i) => `c${i} AS (SELECT * FROM ${i > 0 ? `c${i - 1}` : "g"})`, ",")} SELECT * FROM c19999`,
  "CTEs that double": `WITH ${times(40, (i) => `c${i} AS (SELECT a.* FROM ${i > 0 ? `c${i - 1} a, c${i - 1} b` : "g a, g b"})`, ",")} SELECT count(*) FROM c39`,
  "nested subqueries": `SELECT * FROM ${nested(900, "(SELECT * FROM ", "g", ") x")}`,
  "nested cases": `SELECT ${nested(900, "CASE WHEN true THEN ", "1", " ELSE 2 END")}`,
  "a large IN list": `SELECT count(*) FROM g WHERE a IN (${times(400_000, (i) => `${i}`, ",")}) AND y IN (${times(100_000, (i) => `${i}`, ",")})`,
  "a regular expression":
    "SELECT count(*) FROM range(10_000_000) WHERE regexp_matches(repeat('a', 5000) || range, '(a+)+b|(a|aa)*c')",
  "a constant of one long step":
    "SELECT length(repeat(md5('x'), 6_000_000)) + length(regexp_replace(repeat('ab', 4_000_000), '(a|b)(a|b)', '\\2\\1\\2', 'g')) FROM range(1_000_000)",
  "a cross join": "SELECT count(*) FROM range(10_000_000) a, range(10_000_000) b WHERE a.range + b.range = 7",
  "a recursive CTE":
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 1_000_000_000) SELECT max(n) FROM r",
  generate_series: "SELECT sum(x) FROM (SELECT unnest(generate_series(1, 400_000_000)) AS x)",
  "a list aggregate":
    "SELECT length(list(hash(a.range, b.range))::VARCHAR) FROM range(4_000) a, range(4_000) b",
  "long casts":
    "SELECT sum(length(range::HUGEINT::VARCHAR::DECIMAL(38, 0)::VARCHAR)) FROM range(2_000_000_000)",
  sorting:
    "SELECT * FROM (SELECT md5(range::VARCHAR) AS t FROM range(60_000_000)) ORDER BY t LIMIT 3 OFFSET 50_000_000",
  "a window":
    "SELECT max(s) FROM (SELECT sum(range) OVER (ORDER BY hash(range)) AS s FROM range(80_000_000))",
};

let cacheDirectory: string;
let storage: Storage;
let db: QueryDatabase;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-deadlines-"));
  storage = new Storage(createMemoryBackend());
  await storage.write("raw/g", [{ a: 1 }], partition({ y: 1 }));
  db = await openQuery(storage, { cacheDirectory, memoryLimit: "1GB" });
});

afterAll(async () => {
  await db.close();
  await rm(cacheDirectory, { recursive: true, force: true });
});

/** Runs a call that has a limit of time; it may also fail earlier, or be done earlier. */
async function lateness(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  try {
    await run();
  } catch (error) {
    if (!isStorageError(error)) throw error;
  }
  return performance.now() - started - TIMEOUT_MS;
}

it.each(Object.entries(LONG))(
  "rejects at the timeout and at the signal, and answers the next query: %s",
  async (_, sql) => {
    expect(await lateness(() => db.sql(sql, [], { timeoutMs: TIMEOUT_MS }))).toBeLessThan(LATE_MS);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    expect(await lateness(() => db.toParquet(sql, [], { signal }))).toBeLessThan(LATE_MS);
    expect((await db.sql("SELECT a FROM g")).rows).toEqual([{ a: 1 }]);
  },
);
