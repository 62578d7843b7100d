import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { parseKey, Storage } from "@parquetry/core";
import { openQuery, type QueryDatabase } from "@parquetry/query";
import { afterAll, beforeAll, expect, it } from "vitest";
import { registerTable, TrinoClient, trino } from "../../src/index.ts";
import { describeTrino, newS3Backend, newSchema, TEST_TRINO } from "../support/test-trino.ts";

/** The types of a column in two partitions. Each holds 2, or the date. */
const READ = [
  ["SMALLINT", "INTEGER"],
  ["INTEGER", "BIGINT"],
  ["UTINYINT", "INTEGER"],
  ["INTEGER", "DOUBLE"],
  ["BIGINT", "DOUBLE"],
  ["FLOAT", "DOUBLE"],
  ["DECIMAL(5,2)", "DECIMAL(9,2)"],
  ["DECIMAL(5,1)", "DECIMAL(9,3)"],
  ["DECIMAL(5,2)", "DECIMAL(20,4)"],
  ["INTEGER", "DECIMAL(9,2)"],
  ["TIMESTAMP_MS", "TIMESTAMP"],
] as const;

/** Types that DuckDB reads together, and Trino does not. */
const REFUSED = [
  ["BIGINT", "DECIMAL(18,2)"],
  ["DATE", "TIMESTAMP"],
] as const;

let folder: string;
let connection: DuckDBConnection;
let storage: Storage;
let here: QueryDatabase;
let there: QueryDatabase;
let client: TrinoClient;

const sampleOf = (type: string): string => (/DATE|TIME/.test(type) ? "'2024-01-02'" : "2");
const tableOf = (types: readonly string[]): string => types.join("_").replaceAll(/\W/g, "_").toLowerCase();

describeTrino("a column whose types differ between partitions", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parquetry-drift-"));
    connection = await (await DuckDBInstance.create(":memory:")).connect();
    storage = new Storage(newS3Backend());
    client = await newSchema();
    const file = join(folder, "f.parquet");
    for (const types of [...READ, ...REFUSED]) {
      for (const [k, type] of types.entries()) {
        await connection.run(`COPY (SELECT ${sampleOf(type)}::${type} AS x) TO '${file}' (FORMAT parquet)`);
        await storage.backend.put(parseKey(`raw/${tableOf(types)}/k=${k}/f.parquet`), await readFile(file));
      }
    }
    here = await openQuery(storage, { cacheDirectory: join(folder, "cache") });
    for (const types of [...READ, ...REFUSED])
      await registerTable(client, storage.backend, await here.describe(tableOf(types)));
    const { url, catalog } = TEST_TRINO;
    there = await openQuery(storage, { engine: trino({ url, catalog, schema: client.schema }) });
  });

  afterAll(async () => {
    await there.close();
    await here.close();
    await storage.close();
    connection.closeSync();
    await rm(folder, { recursive: true, force: true });
  });

  it.each(READ)("has all of its rows, with and without conditions: %s and %s", async (...types) => {
    const table = tableOf(types);
    const [{ type = "" } = {}] = (await there.describe(table)).columns;
    const value = `CAST(${sampleOf(types[1])} AS ${type})`;
    const lower = `CAST(${/TIME/.test(types[1]) ? "'2000-01-01'" : "1"} AS ${type})`;
    const conditions = ["TRUE", `x = ${value}`, `x > ${lower}`, "x IS NOT NULL", `x IN (${value})`];
    const counts = conditions.map(
      (one, i) => `(SELECT count(DISTINCT k) FROM ${table} WHERE ${one}) AS n${i}`,
    );
    const { rows } = await there.sql(
      `SELECT ${counts.join(", ")}, (SELECT count(DISTINCT x) FROM ${table}) AS n`,
    );
    expect(rows).toEqual([{ n0: 2, n1: 2, n2: 2, n3: 2, n4: 2, n: 1 }]);
  });

  it.each(REFUSED)("is refused, and other columns are not: %s and %s", async (...types) => {
    const table = tableOf(types);
    for (const sql of [`SELECT x, k FROM ${table}`, `SELECT k FROM ${table} WHERE x > x`])
      await expect(there.sql(sql)).rejects.toMatchObject({
        code: "not_supported",
        message: expect.stringContaining("[x]"),
      });
    expect((await there.sql(`SELECT count(k) AS n FROM ${table}`)).rows).toEqual([{ n: 2 }]);
  });

  it("loses rows in a session that reads the statistics, which is why the engine does not", async () => {
    const sql = `SELECT k FROM ${tableOf(["DECIMAL(5,1)", "DECIMAL(9,3)"])} WHERE x = DECIMAL '2.000' ORDER BY k`;
    const { url, catalog } = TEST_TRINO;
    const session = { [`${catalog}.parquet_ignore_statistics`]: false };
    const other = new TrinoClient({ url, catalog, schema: client.schema, session });
    expect(await other.rows(sql)).toEqual([[1]]);
    expect(await client.rows(sql)).toEqual([[0], [1]]);
  });
});
