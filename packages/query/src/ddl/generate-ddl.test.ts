import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { Partition, parseKey, partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery } from "../database/open-query.ts";
import type { TableDescription } from "../database/sql-engine.ts";
import type { DdlPartition } from "./ddl-partition.ts";
import { generateDdl } from "./generate-ddl.ts";

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-ddl-"));
});

afterAll(() => rm(root, { recursive: true, force: true }));

describe("generateDdl", () => {
  it("makes a view in DuckDB that returns the same rows", async () => {
    const storage = new Storage(await createLocalBackend({ root }));
    for (const week of ["1", "10"]) {
      await storage.write("raw/plays", [{ yards: Number(week), team: "Hawai'i" }], partition({ week }));
    }
    await using db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
    const ddl = generateDdl("duckdb", await db.describe("plays"), storage.backend.url(parseKey("raw/plays")));
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    await connection.run(ddl);
    const result = await connection.run("SELECT week, yards, team FROM plays ORDER BY week");
    expect(await result.getRows()).toEqual([
      [1n, 1n, "Hawai'i"],
      [10n, 10n, "Hawai'i"],
    ]);
    connection.closeSync();
    instance.closeSync();
  });

  const table = {
    entity: "raw/odd",
    keys: [],
    looked: { partitions: 1, of: 1 },
    hasCsv: false,
    unreadable: [],
    columns: [
      { name: 'a`"b', type: "DECIMAL(18,2)[]" },
      { name: "at", type: "TIMESTAMP" },
    ],
  };

  it("quotes names, and leaves out partitions if there are none", () => {
    expect(generateDdl("trino", table, "s3://b/it's")).toContain(
      "SET SESSION hive.timestamp_precision = 'MICROSECONDS';\n",
    );
    expect(generateDdl("trino", table, "s3://b/it's")).toContain(
      'CREATE TABLE hive.default."odd" (\n  "a`""b" array(decimal(18,2)),\n  "at" timestamp(6)\n) WITH (\n  external_location = \'s3://b/it\'\'s/\',\n  format = \'PARQUET\'\n);\n',
    );
    expect(generateDdl("spark", table, "s3://b/odd")).toBe(
      "CREATE TABLE `odd` (\n  `a``\"b` array<decimal(18,2)>,\n  `at` TIMESTAMP_NTZ\n)\nUSING PARQUET\nOPTIONS ('datetimeRebaseMode' 'CORRECTED')\nLOCATION 's3a://b/odd';\n",
    );
    expect(generateDdl("athena", table, "s3://b/odd")).toMatch(/STORED AS PARQUET\nLOCATION 's3:/);
    const named = { ...table, entity: "raw/Odd it's" };
    expect(generateDdl("spark", named, "s3://b/odd")).toContain("CREATE TABLE `Odd_it_s` (");
    expect(generateDdl("athena", named, "s3://b/odd")).toContain("CREATE EXTERNAL TABLE `Odd_it_s` (");
    expect(generateDdl("trino", named, "s3://b/odd")).toContain(`"Odd it's" (`);
    expect(generateDdl("athena", table, "s3://b/odd")).not.toMatch(/PARTITION|MSCK/);
  });

  const keys = [
    { name: "Season", type: "BIGINT" },
    { name: "team", type: "VARCHAR" },
  ];
  const places = (...paths: readonly string[]): readonly DdlPartition[] =>
    paths.map((path) => {
      const { entries } = Partition.parse(path);
      return { values: entries.map(([, value]) => value), path };
    });

  it("projects Athena's partitions where the keys are integers and plain texts", () => {
    const partitions = places("Season=2023/team=a", "Season=2024/team=b-1");
    const ddl = generateDdl("athena", { ...table, keys }, "s3://b/odd/", { partitions });
    expect(ddl).toContain(`TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.season.type' = 'integer',
  'projection.season.range' = '2023,2024',
  'projection.team.type' = 'enum',
  'projection.team.values' = 'a,b-1',
  'storage.location.template' = 's3://b/odd/Season=\${season}/team=\${team}/'
);`);
    expect(ddl).not.toMatch(/MSCK|ALTER/);
  });

  it.each([
    [
      "NULL",
      "Season=__HIVE_DEFAULT_PARTITION__/team=a",
      "`Season` = '__HIVE_DEFAULT_PARTITION__', `team` = 'a'",
    ],
    ["a space", "Season=2024/team=Air Force", "`Season` = '2024', `team` = 'Air Force'"],
    ["a comma", "Season=2024/team=a,b", "`Season` = '2024', `team` = 'a,b'"],
    ["another alphabet", "Season=2024/team=caf%C3%A9", "`Season` = '2024', `team` = 'café'"],
    ["another spelling", "Season=2024/team=%61", "`Season` = '2024', `team` = 'a'"],
  ])("adds Athena's partitions with their locations for a value with %s", (_, path, values) => {
    const ddl = generateDdl("athena", { ...table, keys }, "s3://b/odd", { partitions: places(path) });
    expect(ddl).not.toMatch(/projection|MSCK/);
    expect(ddl).toContain(
      `ALTER TABLE \`odd\` ADD IF NOT EXISTS\n  PARTITION (${values}) LOCATION 's3://b/odd/${path}/';\n`,
    );
  });

  it("does not project far more combinations than there are partitions", () => {
    const partitions = places("Season=1/team=a", "Season=9000000/team=a");
    expect(generateDdl("athena", { ...table, keys }, "s3://b/odd", { partitions })).toMatch(/ALTER TABLE/);
  });

  it.each(["trino", "spark"] as const)("refuses folders that %s reads as other values", (engine) => {
    const partitions = places("Season=2024/team=a", "Season=2024/team=caf%C3%A9");
    expect(() => generateDdl(engine, { ...table, keys }, "s3://b/odd", { partitions })).toThrow(
      /from the folders Season=2024\/team=caf%C3%A9: it does not decode UTF-8/,
    );
  });

  it.each([
    ["UINTEGER", ["trino", "athena"]],
    ["UINTEGER[]", ["trino", "athena"]],
    ["STRUCT(a UINTEGER)", ["trino", "athena"]],
    ["UBIGINT", ["trino", "athena", "spark"]],
    ["MAP(VARCHAR, TIME)", ["trino", "athena", "spark"]],
  ] as const)("refuses %s for engines that would read other values", (type, engines) => {
    const odd = { ...table, columns: [{ name: "n", type }] };
    for (const engine of engines) expect(() => generateDdl(engine, odd, "s3://b/odd")).toThrow(`n ${type}`);
  });

  const drifting = (type: string, ...types: readonly string[]): TableDescription => ({
    ...table,
    columns: [{ name: "x", type, types: types.map((one) => ({ type: one, files: 2, hasValues: true })) }],
  });

  it("names a column whose type differs between files, and what to do for each engine", () => {
    const found = 'x" is declared as DOUBLE, and is INTEGER in 2 files, DOUBLE in 2 files. ';
    const drift = drifting("DOUBLE", "INTEGER", "DOUBLE");
    for (const [engine, cure] of [
      ["trino", "parquetry query --engine trino reads all of it"],
      ["athena", "Athena may fail on the others or leave out their rows"],
      ["spark", "Spark 3 may fail on the others: write these files again with DOUBLE"],
    ] as const)
      expect(generateDdl(engine, drift, "s3://b/odd")).toContain(`-- "${found}${cure}`);
    expect(generateDdl("trino", drift, "s3://b/odd")).toContain(
      "SET SESSION hive.parquet_ignore_statistics = true;\n",
    );
    expect(generateDdl("duckdb", drift, "s3://b/odd")).not.toContain("--");
    const wider = generateDdl("trino", drifting("BIGINT", "INTEGER", "BIGINT"), "s3://b/odd");
    expect(wider).toContain("BIGINT in 2 files. Trino reads all of it.\n");
    expect(wider).not.toContain("SET SESSION");
    expect(generateDdl("trino", drifting("TIMESTAMP", "DATE", "TIMESTAMP"), "s3://b/odd")).toContain(
      "Trino may fail on DATE: write these files again with TIMESTAMP.",
    );
  });

  it("refuses a column of which some files have values that an engine would read as others", () => {
    const drift = drifting("BIGINT", "UINTEGER", "BIGINT");
    for (const engine of ["trino", "athena"] as const)
      expect(() => generateDdl(engine, drift, "s3://b/odd")).toThrow(/: x \(UINTEGER in 2 files\)\. Write/);
    expect(generateDdl("spark", drift, "s3://b/odd")).toContain("`x` BIGINT");
  });

  it("declares nested types", () => {
    const nested = {
      ...table,
      columns: [
        { name: "s", type: 'STRUCT("first, name" VARCHAR, since STRUCT(y INTEGER)[])[]' },
        { name: "m", type: "MAP(VARCHAR, DECIMAL(9,2))" },
      ],
    };
    expect(generateDdl("spark", nested, "/d")).toContain(
      "`s` array<struct<`first, name`: STRING, `since`: array<struct<`y`: INT>>>>,\n  `m` map<STRING, decimal(9,2)>",
    );
    const columns = [{ name: "s", type: 'STRUCT("name" VARCHAR, y INTEGER[])' }];
    expect(generateDdl("trino", { ...table, columns }, "/d")).toContain(
      'row("name" varchar, "y" array(integer))',
    );
    expect(generateDdl("athena", { ...table, columns }, "s3://d")).toContain(
      "struct<name:string, y:array<int>>",
    );
    expect(() => generateDdl("trino", nested, "/d")).toThrow(/no type for s STRUCT/);
  });

  it("refuses commas in names for Trino and Athena, and a table without a column for all but DuckDB", () => {
    const comma = { ...table, columns: [{ name: "com,ma", type: "BIGINT" }] };
    for (const engine of ["trino", "athena"] as const)
      expect(() => generateDdl(engine, comma, "s3://b/odd")).toThrow(/"com,ma"/);
    expect(generateDdl("spark", comma, "s3://b/odd")).toContain("`com,ma` BIGINT");
    const none = { ...table, columns: [{ name: "x", type: "UNKNOWN", problem: "no type holds them all" }] };
    for (const engine of ["trino", "athena", "spark"] as const)
      expect(() => generateDdl(engine, none, "s3://b/odd")).toThrow(/x \(no type holds them all\)/);
  });

  it("names local folders as Trino does, and refuses paths that it has no name for", () => {
    expect(generateDdl("trino", table, "/data/odd")).toContain("external_location = 'local:///data/odd/'");
    expect(() => generateDdl("trino", table, "C:\\data\\odd")).toThrow(/no name for the path/);
  });

  it("leaves out a column of unknown type and says so in a comment", () => {
    const problem = "VARCHAR in 302 files, BIGINT in 16 files: no type holds them all";
    const columns = [...table.columns, { name: "a\nb", type: "UNKNOWN", problem }];
    const ddl = generateDdl("trino", { ...table, columns, looked: { partitions: 2, of: 3 } }, "s3://b/odd");
    expect(ddl.split("\n").slice(0, 2)).toEqual([
      `-- "a\\nb": ${problem}`,
      "-- Types come from 2 of 3 partitions.",
    ]);
    expect(ddl).not.toMatch(/unknown/i);
  });

  it("refuses CSV, and Athena outside S3", () => {
    expect(() => generateDdl("duckdb", { ...table, hasCsv: true }, "s3://b/odd")).toThrow(/contains CSV/);
    expect(() => generateDdl("athena", table, "/data/raw/odd")).toThrow(/Athena reads S3 only/);
  });

  it("refuses types that the engine does not have", () => {
    const columns = [{ name: "t", type: "TIME" }];
    expect(() => generateDdl("trino", { ...table, columns }, "s3://b/odd")).toThrow(/t TIME/);
  });
});
