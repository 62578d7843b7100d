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

/** Types of a partition in which the column is NULL throughout. The other one has text. */
const EMPTY = ["INTEGER", "BIGINT", "UINTEGER"] as const;
const EMPTY_REFUSED = ["BOOLEAN", "DATE"] as const;

let folder: string;
let connection: DuckDBConnection;
let storage: Storage;
let here: QueryDatabase;
let there: QueryDatabase;
let client: TrinoClient;

const sampleOf = (type: string): string => (/DATE|TIME/.test(type) ? "'2024-01-02'" : "2");
/** The note that `register` printed about each table. */
const notes = new Map<string, string>();

const tableOf = (types: readonly string[]): string => types.join("_").replaceAll(/\W/g, "_").toLowerCase();

describeTrino("a column whose types differ between partitions", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parquetry-drift-"));
    connection = await (await DuckDBInstance.create(":memory:")).connect();
    storage = new Storage(newS3Backend());
    client = await newSchema();
    for (const types of [...READ, ...REFUSED])
      for (const [k, type] of types.entries()) await put(tableOf(types), k, `${sampleOf(type)}::${type}`);
    const empty = [...EMPTY, ...EMPTY_REFUSED].map((type) => [type, "NULL"]);
    for (const types of empty) {
      await put(tableOf(types), 0, `NULL::${types[0]}`);
      await put(tableOf(types), 1, "'text'");
    }
    await put("unsigned", 0, "4294967295::UINTEGER");
    await put("unsigned", 1, "1::BIGINT");
    here = await openQuery(storage, { cacheDirectory: join(folder, "cache") });
    for (const types of [...READ, ...REFUSED, ...empty]) {
      const description = await here.describe(tableOf(types));
      const registered = await registerTable(client, storage.backend, description);
      notes.set(tableOf(types), registered.notes.join("\n"));
    }
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

  async function put(table: string, k: number, value: string): Promise<void> {
    const file = join(folder, "f.parquet");
    await connection.run(`COPY (SELECT ${value} AS x) TO '${file}' (FORMAT parquet)`);
    await storage.backend.put(parseKey(`raw/${table}/k=${k}/f.parquet`), await readFile(file));
  }

  function countsOf(types: readonly string[], type: string): string {
    const value = `CAST(${sampleOf(types[1] ?? "")} AS ${type})`;
    const lower = `CAST(${/TIME/.test(types[1] ?? "") ? "'2000-01-01'" : "1"} AS ${type})`;
    const conditions = ["TRUE", `x = ${value}`, `x > ${lower}`, "x IS NOT NULL", `x IN (${value})`];
    const counts = conditions.map(
      (one, i) => `(SELECT count(DISTINCT k) FROM ${tableOf(types)} WHERE ${one}) AS n${i}`,
    );
    return `SELECT ${counts.join(", ")}, (SELECT count(DISTINCT x) FROM ${tableOf(types)}) AS n`;
  }

  it.each(READ)("has all of its rows, with and without conditions: %s and %s", async (...types) => {
    const table = tableOf(types);
    const [{ type = "" } = {}] = (await there.describe(table)).columns;
    const { rows } = await there.sql(countsOf(types, type));
    expect(rows).toEqual([{ n0: 2, n1: 2, n2: 2, n3: 2, n4: 2, n: 1 }]);
    const { url, catalog } = TEST_TRINO;
    const session = { [`${catalog}.parquet_ignore_statistics`]: false };
    const other = new TrinoClient({ url, catalog, schema: client.schema, session });
    const found = await other.rows(countsOf(types, type)).catch((error) => error.code);
    const isRead = JSON.stringify(found) === "[[2,2,2,2,2,1]]";
    // DuckDB reads both of TIMESTAMP_MS and TIMESTAMP as the latter.
    expect(notes.get(table)).toMatch(
      isRead ? /^$|Trino reads all of it\.$/ : /without hive\.parquet_ignore_statistics = true\.$/,
    );
  });

  it.each(EMPTY)("is read where one is %s and NULL throughout, and the other has text", async (type) => {
    const table = tableOf([type, "NULL"]);
    expect((await there.sql(`SELECT x FROM ${table} ORDER BY k`)).rows).toEqual([{ x: null }, { x: "text" }]);
    expect(notes.get(table)).toMatch(/NULL throughout.*Trino reads all of it\./);
  });

  it.each(EMPTY_REFUSED)("is refused where one is %s and NULL throughout, as its note says", async (type) => {
    const table = tableOf([type, "NULL"]);
    await expect(there.sql(`SELECT x FROM ${table}`)).rejects.toMatchObject({ code: "not_supported" });
    expect(notes.get(table)).toContain(`Trino may fail on ${type}: write these files again with VARCHAR.`);
  });

  it("is not registered where Trino would return other values: UINTEGER and BIGINT", async () => {
    const description = await here.describe("unsigned");
    await expect(registerTable(client, storage.backend, description)).rejects.toMatchObject({
      code: "not_supported",
      message: expect.stringContaining("x (UINTEGER in 1 file)"),
    });
    const location = storage.backend.url(parseKey("raw/unsigned"));
    await client.rows(
      `CREATE TABLE unsigned (x bigint, k bigint) WITH (external_location = '${location}/', format = 'PARQUET', partitioned_by = ARRAY['k'])`,
    );
    await client.rows(
      `CALL ${client.catalog}.system.sync_partition_metadata('${client.schema}', 'unsigned', 'ADD')`,
    );
    expect(await client.rows("SELECT x FROM unsigned ORDER BY k")).toEqual([[-1], [1]]);
  });

  it.each(REFUSED)("is refused, and other columns are not: %s and %s", async (...types) => {
    const table = tableOf(types);
    for (const sql of [`SELECT x, k FROM ${table}`, `SELECT k FROM ${table} WHERE x > x`])
      await expect(there.sql(sql)).rejects.toMatchObject({
        code: "not_supported",
        message: expect.stringContaining("[x]"),
      });
    expect(notes.get(table)).toContain(`Trino may fail on ${types[0]}`);
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
