import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";
import { bindParameters } from "../src/statement/bind-parameters.ts";
import type { QueryParameters } from "../src/statement/query-parameters.ts";
import { readStatements } from "../src/statement/read-statement.ts";
import { isNode, nodesOf, type SqlNode } from "../src/statement/sql-tree.ts";

let root: string;
let db: QueryDatabase;
let instance: DuckDBInstance;
let parser: DuckDBConnection;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-long-"));
  const storage = new Storage(await createLocalBackend({ root }));
  for (const year of [2022, 2023, 2024])
    await storage.write("plays", [{ id: year - 2000, team: `team ${year}` }], partition({ year }));
  db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
  instance = await DuckDBInstance.create(":memory:");
  parser = await instance.connect();
}, 60_000);

afterAll(async () => {
  await db?.close();
  parser?.closeSync();
  instance?.closeSync();
  await rm(root, { recursive: true, force: true });
});

const many = (n: number, item: (i: number) => string, separator = ", "): string =>
  Array.from({ length: n }, (_, i) => item(i)).join(separator);

async function treeOf(sql: string): Promise<readonly SqlNode[]> {
  const result = await parser.run("SELECT json_serialize_sql($1::VARCHAR)", [sql]);
  const tree: unknown = JSON.parse(String((await result.getRows())[0]?.[0]));
  if (!isNode(tree) || tree["error"] === true) throw new Error(`cannot parse ${sql.slice(0, 100)}`);
  return nodesOf(tree, "statements");
}

/** The least CPU time of a run, in microseconds. Short ones are repeated: the system counts whole ticks of its clock. */
function cpuOf(run: () => void): number {
  const times = Array.from({ length: 4 }, () => {
    const before = process.cpuUsage();
    for (let runs = 1; ; runs++) {
      run();
      const { user } = process.cpuUsage(before);
      if (user >= 40_000) return user / runs;
    }
  });
  return Math.min(...times);
}

/** Eight times the work takes about eight times as long; 64 times if it is quadratic. */
const MOST = 40;

describe("analysing a statement takes time in proportion to its length:", () => {
  it.each([
    ["a list of constants", 8_000, (n) => `SELECT 1 FROM plays WHERE year IN (${many(n, String)})`],
    ["CTEs", 2_000, (n) => `WITH ${many(n, (i) => `c${i} AS (SELECT 1)`)} SELECT 1`],
    [
      "recursive CTEs",
      2_000,
      (n) => `WITH RECURSIVE ${many(n, (i) => `c${i} AS (SELECT 1 UNION ALL SELECT * FROM c${i})`)} SELECT 1`,
    ],
    ["a union", 2_000, (n) => many(n, () => "SELECT id FROM plays", " UNION ALL ")],
    ["columns", 4_000, (n) => `SELECT ${many(n, (i) => `id AS c${i}`)} FROM plays`],
    ["conditions", 2_000, (n) => `SELECT 1 FROM plays WHERE ${many(n, (i) => `year <> ${i}`, " AND ")}`],
    ["subqueries", 2_000, (n) => `SELECT ${many(n, (i) => `(SELECT ${i} FROM plays)`)}`],
  ] as const satisfies readonly (readonly [string, number, (n: number) => string])[])(
    "%s",
    async (_, n, sql) => {
      const [short, long] = [await treeOf(sql(n)), await treeOf(sql(8 * n))];
      readStatements(short);
      expect(cpuOf(() => readStatements(long)) / cpuOf(() => readStatements(short))).toBeLessThan(MOST);
    },
    60_000,
  );

  it.each([
    [
      "parameters",
      20_000,
      (n) => [
        many(n, (i) => `$p${i}`),
        Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, i])),
      ],
    ],
    ["a list parameter", 20_000, (n) => ["$p", { p: Array.from({ length: n }, (_, i) => i) }]],
    ["starts of dollar quotes", 5_000, (n) => [many(n, (i) => `$t${i}$`, " "), undefined]],
    ["nested comments", 20_000, (n) => [`${"/*".repeat(n)}${"*/".repeat(n)}`, undefined]],
    ["quotes", 100_000, (n) => [`'${"''".repeat(n)}`, undefined]],
  ] as const satisfies readonly (readonly [
    string,
    number,
    (n: number) => [string, QueryParameters | undefined],
  ])[])("%s", (_, n, make) => {
    const [short, long] = [n, 8 * n].map((count) => {
      const [sql, parameters] = make(count);
      return { sql, parameters };
    });
    if (short === undefined || long === undefined) throw new Error("nothing to compare");
    expect(
      cpuOf(() => bindParameters(long.sql, long.parameters)) /
        cpuOf(() => bindParameters(short.sql, short.parameters)),
    ).toBeLessThan(MOST);
  });
});

describe("a long list parameter", () => {
  const numbers = Array.from({ length: 50_000 }, (_, i) => i);

  it.each([
    ["year IN $list", numbers.map((i) => i + 2023), [23, 24]],
    ["year IN (SELECT unnest($list))", numbers.map((i) => i + 2024), [24]],
    ["id IN $list", numbers.map((i) => BigInt(i) + 23n), [23, 24]],
    ["id IN $list", numbers.map((i) => i / 2), [22, 23, 24]],
    ["id::HUGEINT IN $list", [...numbers, 2n ** 100n], [22, 23, 24]],
    ["team IN $list", numbers.map((i) => `team ${i}`).reverse(), [22, 23, 24]],
    ["team IN $list", [...numbers.map(() => 'it\'s \\ ["a", \u001f\u001e] \n'), "team 2023"], [23]],
    [
      "len($list) = 50000 AND $list[2] IS NULL",
      numbers.map((i) => (i === 1 ? null : i)).slice(0, 50_000),
      [22, 23, 24],
    ],
  ] as const)(
    "selects rows by %s",
    async (condition, list, ids) => {
      const { rows } = await db.sql(`SELECT id FROM plays WHERE ${condition} ORDER BY id`, { list });
      expect(rows.map(({ id }) => id)).toEqual(ids);
    },
    60_000,
  );

  it("has the type that a short one has", async () => {
    const lists = [
      ["x", null, "it's \"\\ \n\u001f"],
      ["a\0b"],
      [1, 2n ** 40n],
      [1, 2n ** 90n],
      [1.5, 2],
      [-0],
      ["x"],
      [true],
      [1, null],
      [new Date(0)],
    ] as const;
    for (const list of lists) {
      const long = Array.from({ length: 200 }, () => [...list]).flat();
      const { rows } = await db.sql(
        "SELECT typeof($short) AS short, typeof($long) AS long, $long[1]::VARCHAR = $short[1]::VARCHAR AS same",
        { short: list, long },
      );
      expect(rows[0]).toMatchObject({ long: rows[0]?.["short"], same: true });
    }
  });

  it("prunes partitions", async () => {
    const list = Array.from({ length: 500 }, (_, i) => 2024 + i);
    const { tables } = await db.explain("SELECT id FROM plays WHERE year IN $list", { list });
    expect(tables).toMatchObject([{ partitions: 1, levels: [{ key: "year", kept: 1, total: 3 }] }]);
  });
});

it.each([
  ["parentheses", (n) => `SELECT ${"(".repeat(n)}1${")".repeat(n)}`],
  [
    "conditions in parentheses",
    (n) => `SELECT 1 FROM plays WHERE ${"(".repeat(n)}year = 1${" AND year = 1)".repeat(n)}`,
  ],
  ["sums", (n) => `SELECT ${many(n, () => "1", "+")}`],
  ["subqueries", (n) => `SELECT * FROM ${"(SELECT * FROM ".repeat(n)} plays ${") x".repeat(n)}`],
  ["joins", (n) => `SELECT 1 FROM plays ${many(n, (i) => `JOIN plays p${i} USING (year)`, " ")}`],
  ["lists", (n) => `SELECT ${"[".repeat(n)}1${"]".repeat(n)}`],
  ["cases", (n) => `SELECT ${"CASE WHEN true THEN ".repeat(n)} 1 ${"END ".repeat(n)}`],
  [
    "chained CTEs",
    (n) =>
      `WITH ${many(n, (i) => `c${i} AS (SELECT * FROM ${i === 0 ? "plays" : `c${i - 1}`})`)} SELECT 1 FROM c${n - 1}`,
  ],
] as const satisfies readonly (readonly [string, (n: number) => string])[])(
  "answers deeply nested %s, or reports a StorageError",
  async (_, sql) => {
    for (const n of [150, 20_000]) {
      const found = await db.sql(sql(n), undefined, { timeoutMs: 20_000 }).catch((error: unknown) => error);
      if (found instanceof Error) expect(found).toMatchObject({ name: "StorageError" });
    }
  },
  60_000,
);
