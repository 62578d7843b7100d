import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { DuckDb } from "../src/duckdb/duckdb.ts";
import { openEmbeddedDuckDb } from "../src/duckdb/embedded-duckdb.ts";
import type { RowConditions } from "../src/statement/statement.ts";

let root: string;
let duckdb: DuckDb;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-conditions-"));
  duckdb = await openEmbeddedDuckDb({ roots: [], trusted: false, scratchDirectory: root });
});

afterAll(async () => {
  await duckdb?.close();
  await rm(root, { recursive: true, force: true });
});

const conditionsOf = async (sql: string): Promise<RowConditions | undefined> =>
  (await duckdb.prepare(sql, undefined)).conditions;

it("finds conditions that every row that matters fulfils", async () => {
  const simple = await conditionsOf(
    "SELECT n FROM plays WHERE year = 2024 AND Week BETWEEN 1 AND 4 AND n > 5 * random()",
  );
  expect(simple?.conditions.map(({ columns, sql, intervals }) => [columns, sql, intervals])).toEqual(
    [
      [["year"], '(("year" = 2024))', [[2024, 2024]]],
      [["week"], '(("Week" BETWEEN 1 AND 4))', [[1, 4]]],
    ].map((row) => [row[0], expect.any(String), row[2]]),
  );
  expect([...(simple?.otherColumns ?? [])]).toEqual(["n"]);

  const joined = await conditionsOf(
    "SELECT 1 FROM plays p JOIN games g ON p.id = g.id WHERE p.year = 1 AND g.team LIKE 'A%' AND p.n = g.n AND x = 1",
  );
  expect(joined?.conditions.map(({ table, columns }) => [table, columns])).toEqual([
    ["plays", ["year"]],
    ["games", ["team"]],
  ]);
  expect(joined?.otherColumns).toBeUndefined();
  expect(
    (await conditionsOf("SELECT 1 FROM plays GROUP BY year HAVING year = 1"))?.conditions,
  ).toBeUndefined();
});

it.each([
  "SELECT 1 FROM plays p LEFT JOIN games g ON p.id = g.id WHERE g.year = 1",
  "SELECT 1 FROM plays POSITIONAL JOIN games WHERE plays.year = 1",
  "SELECT 1 FROM plays ASOF JOIN games ON plays.id >= games.id WHERE games.year = 1",
  "SELECT 1 FROM plays ANTI JOIN games USING (id) WHERE plays.year = 1",
  "SELECT 1 FROM plays NATURAL JOIN games WHERE plays.year = 1",
  "SELECT 1 FROM plays WHERE year = 1 AND EXISTS (SELECT 1 FROM plays q WHERE q.year = 2)",
  "SELECT 1 FROM plays WHERE year = 1 UNION ALL SELECT 1 FROM plays",
  "WITH c AS (SELECT * FROM plays) SELECT 1 FROM plays WHERE year = 1",
  "SELECT 1 FROM plays p(a, b) WHERE b = 1",
  "SELECT 1 FROM plays TABLESAMPLE 10% WHERE year = 1",
  "SELECT 1 FROM plays WHERE year = 1 USING SAMPLE 5",
  "SELECT 1 FROM plays WHERE year = random()",
  "SELECT 1 FROM plays WHERE year = 1 OR (SELECT true)",
  "SELECT 1 FROM plays WHERE year = 9007199254740993",
  "SELECT 1 FROM plays a, plays b WHERE a.year = 1",
])("leaves to the optimiser: %s", async (sql) => {
  expect(await conditionsOf(sql)).toBeUndefined();
});
