import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { Partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { generateDdl, openQuery, type QueryDatabase } from "../src/index.ts";

let root: string;
let storage: Storage;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-key-types-"));
  storage = new Storage(await createLocalBackend({ root }));
});

afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

const open = (entity: string, type: string): Promise<QueryDatabase> =>
  openQuery(storage, { cacheDirectory: join(root, ".cache"), hiveTypes: { [entity]: { k: type } } });

it.each([
  ["DECIMAL(9,2)", ["1.50", "2"], "1.5", "DECIMAL(9,2)"],
  ["numeric ( 9 )", ["1", "20"], "1", "DECIMAL(9,0)"],
  ["DECIMAL", ["1.125", "2"], "1.125", "DECIMAL(18,3)"],
  ["DECIMAL(38,10)", ["12345678901234567890.5", "2"], "12345678901234567890.5", "DECIMAL(38,10)"],
  [
    "TIMESTAMP WITH TIME ZONE",
    ["2024-01-01 00:00:00+00", "2024-01-01T02:00:00+01:00"],
    "TIMESTAMPTZ '2024-01-01 01:00:00Z'",
    "TIMESTAMP WITH TIME ZONE",
  ],
  ["TIMESTAMPTZ", ["2024-01-01T00:00:00Z", "2024-01-02"], "'2024-01-02'", "TIMESTAMP WITH TIME ZONE"],
  ["timestamp", ["2024-01-01 00:00:00", "2024-01-01 10:00:00.123456"], "'2024-01-01'", "TIMESTAMP"],
  ["TIMESTAMP_NS", ["2024-01-01 00:00:00.123456789", "2024-01-02"], "'2024-01-02'", "TIMESTAMP_NS"],
  ["DATE", ["2024-01-01", "2024-02-01"], "DATE '2024-02-01'", "DATE"],
  ["TIME", ["10:00:00", "11:00:00"], "TIME '11:00:00'", "TIME"],
  [
    "UUID",
    ["4ac7a9e9-607c-4c8a-84f3-843f0191e3fd", "5ac7a9e9-607c-4c8a-84f3-843f0191e3fd"],
    "'5ac7a9e9-607c-4c8a-84f3-843f0191e3fd'",
    "UUID",
  ],
  ["INT", ["1", "2"], "2", "INTEGER"],
  ["HUGEINT", ["9223372036854775808", "2"], "9223372036854775808", "HUGEINT"],
  ["double precision", ["1.5", "1e3"], "1000", "DOUBLE"],
  ["BOOL", ["true", "false"], "false", "BOOLEAN"],
  ["string", ["01", "1"], "'01'", "VARCHAR"],
] as const)("a key of type %s is read and pruned by", async (type, values, literal, canonical) => {
  const entity = `raw/${type.replace(/\W+/g, "_")}`;
  for (const [n, value] of [...values, null].entries())
    await storage.write(entity, [{ n }], Partition.of([["k", value]]));
  await using db = await open(entity, type);
  const { rows } = await db.sql(`SELECT typeof(k) AS t, k IS NULL AS nil, n FROM "${entity}" ORDER BY n`);
  expect(rows).toEqual([0, 1, 2].map((n) => ({ t: canonical, nil: n === 2, n })));
  expect((await db.describe(entity)).keys).toEqual([{ name: "k", type: canonical }]);
  const chosen = `SELECT n FROM "${entity}" WHERE k = ${literal}`;
  const all = await db.sql(`SELECT n FROM (FROM "${entity}" OFFSET 0) WHERE k = ${literal}`);
  expect(all.rows.length).toBe(1);
  expect((await db.sql(chosen)).rows).toEqual(all.rows);
  expect((await db.explain(chosen)).tables).toMatchObject([{ partitions: 1 }]);

  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run(generateDdl("duckdb", await db.describe(entity), join(root, entity)));
  const name = entity.slice(4);
  const found = await connection.runAndReadAll(`SELECT typeof(k) FROM "${name}" ORDER BY n`);
  expect(found.getRows()).toEqual([[canonical], [canonical], [canonical]]);
  connection.closeSync();
  instance.closeSync();
});

it.each([
  "INTEGER[]",
  "STRUCT(a INT)",
  "ENUM('1')",
  "VARCHAR(10)",
  "DECIMAL(39,2)",
  "DECIMAL(2,3)",
  "TIMETZ",
  "INTERVAL",
  "BLOB",
  "nope",
  "",
  "INT; DROP",
  "DATE)",
  5,
  null,
])("openQuery refuses a key of type %j, and lists the types that there are", async (type) => {
  await expect(open("raw/x", type as string)).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.stringMatching(
      /hiveTypes of raw\/x: k must be one of VARCHAR, .*DECIMAL\(digits, scale\)/,
    ),
  });
});

it.each([
  ["TIMESTAMPTZ", "soon"],
  ["DECIMAL(4,2)", "123.45"],
  ["DECIMAL(9,2)", "x"],
  ["DATE", "2024-13-01"],
  ["INTEGER", "1e"],
  ["BOOLEAN", "maybe"],
  // Words that errors of damaged pages have.
  ["DATE", "page"],
  ["BIGINT", "parquet"],
  ["TIMESTAMP", "gzip"],
])("a value that the type %s does not hold is an error: %j", async (type, value) => {
  const entity = `bad/${type.replace(/\W+/g, "_")}`;
  for (const k of [value, "1"]) await storage.write(entity, [{ n: 1 }], Partition.of([["k", k]]));
  await using db = await open(entity, type);
  await expect(db.sql(`SELECT k FROM "${entity}"`)).rejects.toMatchObject({
    code: "invalid_argument",
    message: expect.not.stringMatching(/parquetry_key|restore/i),
  });
});
