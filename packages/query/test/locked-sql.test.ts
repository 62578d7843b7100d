import { mkdtemp, readdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, isStorageError, partition, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";
import { REFUSED_FUNCTIONS } from "../src/statement/allowed-functions.ts";

const SECRET = "the-secret-of-another-file";
let folder: string;
let db: QueryDatabase;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-locked-"));
  await writeFile(join(folder, "secret.csv"), `secret\n${SECRET}\n`);
  const storage = new Storage(createMemoryBackend());
  await storage.write("raw/plays", [{ yards: 5, team: "Hawai'i" }], partition({ year: 2024 }));
  await storage.write("raw/games", [{ home: "x" }], partition({ year: 2024 }));
  db = await openQuery(storage, { cacheDirectory: join(folder, "cache") });
});

afterAll(async () => {
  await db?.close();
  await rm(folder, { recursive: true, force: true });
});

/** `FILE` is a file outside the data, `DIR` is its folder. */
const ATTACKS: readonly string[] = [
  // Files as tables.
  "SELECT * FROM 'FILE'",
  'SELECT * FROM "FILE"',
  "SELECT * FROM '/etc/passwd'",
  "FROM 'DIR/*.csv'",
  "SELECT * FROM 'DIR/../../etc/passwd'",
  'TABLE "FILE"',
  'SELECT * FROM plays JOIN "FILE" ON true',
  'SELECT (SELECT max(secret) FROM "FILE")',
  'SELECT * FROM plays WHERE team IN (SELECT secret FROM "FILE")',
  'SELECT * FROM plays WHERE EXISTS (FROM "FILE")',
  'SELECT * FROM plays UNION ALL SELECT * FROM "FILE"',
  'WITH x AS (SELECT * FROM "FILE") SELECT * FROM x',
  'WITH "FILE" AS (SELECT * FROM "FILE") SELECT * FROM "FILE"',
  'WITH a AS (SELECT * FROM "FILE"), "FILE" AS (SELECT 1) SELECT * FROM a',
  'SELECT * FROM (WITH "FILE" AS (SELECT 1) SELECT 1) x, "FILE" y',
  'SELECT (WITH "FILE" AS (SELECT 1) SELECT 1), (SELECT count(*) FROM "FILE")',
  'PIVOT "FILE" ON secret',
  'SELECT * FROM (PIVOT "FILE" ON secret IN (1) USING count(*))',
  'UNPIVOT "FILE" ON secret',
  'SELECT * FROM plays, LATERAL (SELECT * FROM "FILE")',
  "SELECT * FROM plays ASOF JOIN 'FILE' f ON plays.yards >= f.secret",
  "VALUES ((SELECT max(secret) FROM 'FILE'))",
  // Table functions that read.
  "SELECT * FROM read_csv('FILE')",
  "SELECT * FROM read_csv_auto('FILE')",
  "SELECT * FROM READ_CSV('FILE')",
  "SELECT * FROM \"read_csv\"('FILE')",
  "SELECT * FROM main.read_csv('FILE')",
  "SELECT * FROM system.main.read_csv('FILE')",
  "SELECT * FROM read_text('FILE')",
  "SELECT * FROM read_blob('FILE')",
  "SELECT * FROM read_json('FILE')",
  "SELECT * FROM read_json_auto('FILE')",
  "SELECT * FROM read_ndjson_objects('FILE')",
  "SELECT * FROM read_parquet('FILE')",
  "SELECT * FROM parquet_scan('FILE')",
  "SELECT * FROM parquet_metadata('FILE')",
  "SELECT * FROM parquet_schema('FILE')",
  "SELECT * FROM parquet_kv_metadata('FILE')",
  "SELECT * FROM sniff_csv('FILE')",
  "SELECT * FROM glob('DIR/*')",
  "SELECT * FROM read_duckdb('FILE')",
  "SELECT * FROM plays, read_text('FILE')",
  "SELECT (SELECT content FROM read_text('FILE'))",
  "SELECT * FROM read_csv('https://example.com/x.csv')",
  // SQL inside SQL.
  "SELECT * FROM query('SELECT * FROM read_text(''FILE'')')",
  "SELECT * FROM query_table('FILE')",
  "SELECT * FROM query_table(['plays', 'FILE'])",
  "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
  "SELECT json_serialize_plan('SELECT * FROM read_csv(''FILE'')')",
  "SELECT json_serialize_sql('SELECT 1')",
  "SELECT * FROM sql_auto_complete('SELECT * FROM ')",
  // Statements other than SELECT.
  "COPY (SELECT 1) TO 'DIR/out.csv'",
  "COPY plays TO 'DIR/out.parquet'",
  "CREATE TABLE t AS SELECT * FROM read_text('FILE')",
  "CREATE MACRO m() AS TABLE SELECT * FROM read_text('FILE')",
  "CREATE OR REPLACE TEMP VIEW plays AS SELECT 1",
  "INSERT INTO plays VALUES (1)",
  "DELETE FROM plays",
  "DROP VIEW plays",
  "ATTACH 'DIR/x.db' AS x",
  "ATTACH ':memory:' AS x",
  "EXPORT DATABASE 'DIR/export'",
  "IMPORT DATABASE 'DIR/export'",
  "INSTALL httpfs",
  "LOAD httpfs",
  "SET memory_limit = '1KB'",
  "SET lock_configuration = false",
  "SET VARIABLE parquetry_files_0 = ['FILE']",
  "RESET enable_external_access",
  "PRAGMA database_list",
  "PRAGMA enable_profiling = 'json'",
  "CALL pragma_version()",
  "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
  "EXPLAIN ANALYZE SELECT 1",
  "PREPARE p AS SELECT 1",
  "USE memory",
  "CHECKPOINT",
  "VACUUM",
  "BEGIN",
  "SHOW TABLES",
  "DESCRIBE plays",
  "SUMMARIZE plays",
  "SELECT * FROM (SHOW ALL TABLES)",
  "SELECT * FROM (DESCRIBE plays)",
  "SELECT 1; SELECT 2",
  "SELECT 1; COPY (SELECT 1) TO 'DIR/out.csv'",
  "SELECT 1; DROP VIEW plays; --",
  "",
  ";",
  "-- nothing",
  // Functions with an effect, and catalogues.
  "SELECT * FROM enable_logging(storage_path = 'DIR/logs')",
  "SELECT * FROM enable_profiling(save_location = 'DIR/profile.json')",
  "SELECT * FROM disable_logging()",
  "SELECT * FROM checkpoint()",
  "SELECT * FROM force_checkpoint()",
  "SELECT * FROM truncate_duckdb_logs()",
  "SELECT * FROM duckdb_secrets()",
  "SELECT * FROM duckdb_settings()",
  "SELECT * FROM duckdb_logs()",
  "SELECT * FROM duckdb_variables()",
  "SELECT * FROM duckdb_views()",
  "SELECT * FROM duckdb_temporary_files()",
  "SELECT * FROM which_secret('s3://x', 's3')",
  "SELECT * FROM pragma_database_list",
  "SELECT * FROM sqlite_master",
  "SELECT * FROM duckdb_settings",
  "SELECT * FROM information_schema.tables",
  "SELECT * FROM pg_catalog.pg_class",
  "SELECT * FROM pg_tables",
  "SELECT * FROM memory.main.plays",
  "SELECT * FROM temp.plays",
  "SELECT (WITH sqlite_master AS (SELECT 1) SELECT 1), (SELECT count(*) FROM sqlite_master)",
  "SELECT write_log('x')",
  "SELECT current_setting('temp_directory')",
  "SELECT getenv('HOME')",
  "SELECT getvariable('parquetry_files_0')",
  "SELECT nextval('s')",
  "SELECT currval('s')",
  "SELECT current_query()",
  "SELECT sleep_ms(100000)",
  "SELECT pg_sleep(100000)",
  "SELECT [current_setting(x) FOR x IN ['temp_directory']]",
  "SELECT list_transform(['a'], x -> getvariable(x))",
  "SELECT * FROM test_all_types()",
  "SELECT * FROM plays AT (VERSION => 1)",
  "SELECT $1",
  "SELECT * FROM repeat((SELECT content FROM read_text('FILE')), 3)",
  "SELECT * FROM plays ORDER BY (SELECT content FROM read_text('FILE'))",
  "SELECT * FROM plays LIMIT (SELECT count(*) FROM read_text('FILE'))",
  "SELECT * FROM plays TABLESAMPLE 10% JOIN glob('DIR/*') ON true",
  "SELECT sum(yards) FILTER (WHERE (SELECT count(*) FROM read_text('FILE')) > 0) FROM plays",
  "SELECT sum(yards) OVER (ORDER BY (SELECT content FROM read_text('FILE'))) FROM plays",
  "SELECT * FROM plays GROUP BY ALL HAVING (SELECT count(*) FROM read_text('FILE')) > 0",
];

const HARMLESS: readonly string[] = [
  "SELECT yards FROM plays;",
  "FROM plays",
  "WITH plays AS (SELECT yards + 1 AS y FROM plays) SELECT y FROM plays",
  "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r",
  "SELECT * FROM range(3) t(i), unnest([1, 2]) u(j)",
  "SELECT * FROM (VALUES (1), (2)) v(x) JOIN plays ON x = yards - 4",
  "SELECT unnest([1, 2]), list_transform([1], lambda x: x + 1)",
  "SELECT count(*) FILTER (yards > 1) OVER () FROM plays QUALIFY true",
  "SELECT * FROM (PIVOT plays ON team IN ('Hawai''i') USING sum(yards))",
  "SELECT p FROM plays p NATURAL JOIN games",
  "SELECT now(), random(), uuid(), version(), regexp_replace('a', 'b', 'c')",
  "SELECT 'SELECT * FROM read_csv(''x'')' AS text -- read_csv('x')",
];

describe("locked SQL", () => {
  it.each(ATTACKS)("refuses %s", async (attack) => {
    const sql = attack.replaceAll("FILE", join(folder, "secret.csv")).replaceAll("DIR", folder);
    const before = (await readdir(folder)).sort();
    const error: unknown = await db.sql(sql).then(
      ({ rows }) => rows,
      (caught: unknown) => caught,
    );
    expect(isStorageError(error), `answered ${JSON.stringify(error)}`).toBe(true);
    // It was refused before it ran; it did not just happen to fail.
    expect(error).toMatchObject({
      code: expect.stringMatching(/^(?:permission_denied|invalid_argument|not_found)$/),
    });
    expect(String(error)).not.toMatch(/Permission Error|INTERRUPT|Not implemented Error/);
    expect(String(error)).not.toContain(SECRET);
    expect((await readdir(folder)).sort()).toEqual(before);
  });

  it.each(HARMLESS)("allows %s", async (sql) => {
    expect((await db.sql(sql)).rows.length).toBeGreaterThan(0);
  });

  it("refuses every function that DuckDB calls volatile, except the harmless ones", async () => {
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    const result = await connection.run(
      "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'scalar' AND stability = 'VOLATILE'",
    );
    const names = (await result.getRows()).map(([name]) => String(name));
    connection.closeSync();
    const harmless = ["error", "gen_random_uuid", "random", "uuid", "uuidv4", "uuidv7"];
    expect(names.filter((name) => !REFUSED_FUNCTIONS.has(name)).sort()).toEqual(harmless);
  });

  it("refuses files and settings in DuckDB itself, if the gate missed them", async () => {
    // DuckDB itself, as an attack that the gate had missed would find it.
    const { openEmbeddedDuckDb } = await import("../src/duckdb/embedded-duckdb.ts");
    const scratchDirectory = await realpath(await mkdtemp(join(tmpdir(), "parquetry-locked-scratch-")));
    const duckdb = await openEmbeddedDuckDb({
      roots: [join(folder, "cache")],
      trusted: false,
      scratchDirectory,
    });
    try {
      for (const text of [
        `SELECT * FROM read_csv('${folder}/secret.csv')`,
        `SELECT * FROM '${folder}/secret.csv'`,
        `COPY (SELECT 1) TO '${folder}/out.csv'`,
        `ATTACH '${folder}/x.db'`,
        "SET enable_external_access = true",
        "LOAD httpfs",
      ]) {
        const query = { text, tableNames: [], isSelect: true };
        await expect(duckdb.run(query, [], {}), text).rejects.toThrow();
      }
    } finally {
      await duckdb.close();
      await rm(scratchDirectory, { recursive: true, force: true });
    }
  });
});
