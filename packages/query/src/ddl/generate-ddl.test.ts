import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { parseKey, partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery } from "../database/open-query.ts";
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
    expect(generateDdl("trino", table, "s3://b/it's")).toBe(
      'CREATE TABLE hive.default."odd" (\n  "a`""b" array(decimal(18,2)),\n  "at" timestamp(6)\n) WITH (\n  external_location = \'s3://b/it\'\'s/\',\n  format = \'PARQUET\'\n);\n',
    );
    expect(generateDdl("spark", table, "s3://b/odd")).toBe(
      "CREATE TABLE `odd` (\n  `a``\"b` array<decimal(18,2)>,\n  `at` TIMESTAMP_NTZ\n)\nUSING PARQUET\nLOCATION 's3a://b/odd';\n",
    );
    expect(generateDdl("athena", table, "s3://b/odd")).toMatch(/STORED AS PARQUET\nLOCATION 's3:/);
    expect(generateDdl("athena", table, "s3://b/odd")).not.toMatch(/PARTITION|MSCK/);
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
