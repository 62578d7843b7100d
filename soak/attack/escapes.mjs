// SQL that is not trusted tries to read files, the environment and the network, to write, and to learn credentials.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "../../packages/backend-local/dist/index.js";
import { createS3Backend } from "../../packages/backend-s3/dist/index.js";
import { isStorageError, partition, Storage } from "../../packages/core/dist/index.js";
import { openQuery } from "../../packages/query/dist/index.js";
import { startS3Server } from "../../packages/testkit/dist/s3-server.js";
import { randomFrom } from "./support/random.mjs";

/** In every file, variable and secret that SQL may not see. */
const CANARY = "canary-that-sql-must-not-see";
const VARIABLE = "PARQUETRY_ATTACK_VARIABLE";
const STATEMENT_LIMIT_MS = 20_000;

/**
 * Sources that read a file, a folder, the network or the session. DIR is a folder outside the data root, ROOT the data root
 * itself, URL a server that counts requests.
 */
const SOURCES = [
  "read_text('DIR/canary.txt')",
  "read_blob('DIR/canary.txt')",
  "read_csv('DIR/canary.csv')",
  "read_csv_auto('DIR/canary.csv')",
  "read_csv(['DIR/canary.csv'], all_varchar = true)",
  "read_json('DIR/canary.json')",
  "read_json_auto('DIR/canary.json')",
  "read_json_objects('DIR/canary.json')",
  "read_json_objects_auto('DIR/canary.json')",
  "read_ndjson('DIR/canary.json')",
  "read_ndjson_auto('DIR/canary.json')",
  "read_ndjson_objects('DIR/canary.json')",
  "read_parquet('DIR/canary.parquet')",
  "parquet_scan('DIR/canary.parquet')",
  "parquet_metadata('DIR/canary.parquet')",
  "parquet_file_metadata('DIR/canary.parquet')",
  "parquet_kv_metadata('DIR/canary.parquet')",
  "parquet_schema('DIR/canary.parquet')",
  "parquet_bloom_probe('DIR/canary.parquet', 'secret', 'x')",
  "parquet_full_metadata('DIR/canary.parquet')",
  "read_duckdb('DIR/canary.db')",
  "sniff_csv('DIR/canary.csv')",
  "glob('DIR/*')",
  "glob('ROOT/**')",
  "read_text('ROOT/../canary.txt')",
  "read_text('/proc/self/environ')",
  "read_text('file://DIR/canary.txt')",
  "read_text('URL/canary.txt')",
  "read_csv('URL/canary.csv')",
  "read_parquet('s3://bucket/canary.parquet')",
  "'DIR/canary.csv'",
  '"DIR/canary.csv"',
  '"DIR/canary.parquet"',
  '"DIR/canary.json"',
  '"DIR/canary.db"',
  '"ROOT/../canary.csv"',
  '"URL/canary.csv"',
  '"s3://bucket/canary.parquet"',
  "query('SELECT * FROM read_text(''DIR/canary.txt'')')",
  "query('FROM ''DIR/canary.csv''')",
  "query_table('DIR/canary.csv')",
  "query_table(['DIR/canary.csv'])",
  "json_execute_serialized_sql(json_serialize_sql('SELECT * FROM read_text(''DIR/canary.txt'')'))",
  "duckdb_secrets()",
  "duckdb_settings()",
  "duckdb_variables()",
  "duckdb_logs()",
  "duckdb_logs_parsed('HTTP')",
  "duckdb_views()",
  "duckdb_databases()",
  "duckdb_temporary_files()",
  "duckdb_external_file_cache()",
  "duckdb_extensions()",
  "duckdb_prepared_statements()",
  "which_secret('s3://bucket/x', 's3')",
  "pragma_database_list()",
  "pragma_database_list",
  "pragma_platform()",
  "information_schema.tables",
  "pg_catalog.pg_class",
  "sqlite_master",
  "enable_logging(storage = 'file', storage_path = 'DIR/logs')",
  "enable_profiling(save_location = 'DIR/profile.json')",
  "seq_scan('plays')",
  "arrow_scan(0::UBIGINT, 0::UBIGINT, 0::UBIGINT)",
  "arrow_scan_dumb(0::UBIGINT, 0::UBIGINT, 0::UBIGINT)",
  "sql_auto_complete('SELECT * FROM ''DIR/')",
  "check_peg_parser('SELECT 1')",
];

/** Expressions that read the environment, the session or SQL in text. */
const EXPRESSIONS = [
  `getenv('${VARIABLE}')`,
  "getenv('PATH')",
  "current_setting('temp_directory')",
  "current_setting('s3_secret_access_key')",
  "getvariable('parquetry_files_0')",
  "current_query()",
  "current_database()||current_schema()||getenv('HOME')",
  "json_serialize_plan('SELECT * FROM read_csv(''DIR/canary.csv'')')",
  "json_serialize_sql('SELECT 1')",
  "nextval('s')",
  "pg_sleep(1)",
  "write_log('x')",
  "(SELECT content FROM read_text('DIR/canary.txt'))",
  "(SELECT max(secret) FROM 'DIR/canary.csv')",
];

/** Statements other than SELECT. */
const STATEMENTS = [
  "COPY plays TO 'DIR/out.csv'",
  "COPY (SELECT 1) TO 'ROOT/out.parquet' (FORMAT parquet)",
  "COPY (SELECT 1) TO 'URL/out.csv'",
  "COPY plays FROM 'DIR/canary.csv'",
  "ATTACH 'DIR/canary.db' AS other",
  "ATTACH 'DIR/new.db'",
  "ATTACH ':memory:' AS other",
  "DETACH memory",
  "EXPORT DATABASE 'DIR/export'",
  "IMPORT DATABASE 'DIR/export'",
  "INSTALL httpfs",
  "INSTALL httpfs FROM 'URL'",
  "FORCE INSTALL httpfs",
  "LOAD httpfs",
  "LOAD 'DIR/canary.txt'",
  "UPDATE EXTENSIONS",
  "SET enable_external_access = true",
  "SET allowed_directories = ['/']",
  "SET lock_configuration = false",
  "SET GLOBAL temp_directory = 'DIR'",
  "SET SESSION profiling_output = 'DIR/profile.json'",
  "SET VARIABLE parquetry_files_0 = ['DIR/canary.csv']",
  "RESET enable_external_access",
  "PRAGMA enable_profiling = 'json'",
  "PRAGMA database_list",
  "PRAGMA table_info('DIR/canary.csv')",
  "PRAGMA show_tables",
  "CALL pragma_version()",
  "CALL enable_logging()",
  "CREATE TABLE t AS FROM 'DIR/canary.csv'",
  "CREATE OR REPLACE VIEW plays AS FROM 'DIR/canary.csv'",
  "CREATE TEMP VIEW v AS FROM 'DIR/canary.csv'",
  "CREATE MACRO m() AS TABLE FROM 'DIR/canary.csv'",
  "CREATE TEMP MACRO m(x) AS getenv(x)",
  "CREATE SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
  "CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'x', SECRET 'y')",
  "CREATE SEQUENCE s",
  "CREATE SCHEMA s",
  "CREATE TYPE t AS ENUM (SELECT secret FROM 'DIR/canary.csv')",
  "CREATE INDEX i ON plays (yards)",
  "COMMENT ON TABLE plays IS 'x'",
  "ALTER TABLE plays ADD COLUMN x INT",
  "INSERT INTO plays VALUES (1)",
  "UPDATE plays SET yards = 0",
  "DELETE FROM plays",
  "MERGE INTO plays USING plays p ON false WHEN NOT MATCHED THEN INSERT VALUES (1)",
  "TRUNCATE plays",
  "DROP VIEW plays",
  "PREPARE p AS FROM 'DIR/canary.csv'",
  "EXECUTE p",
  "DEALLOCATE p",
  "EXPLAIN FROM 'DIR/canary.csv'",
  "EXPLAIN ANALYZE FROM 'DIR/canary.csv'",
  "DESCRIBE FROM 'DIR/canary.csv'",
  "SUMMARIZE 'DIR/canary.csv'",
  "SHOW ALL TABLES",
  "USE memory",
  "CHECKPOINT",
  "VACUUM",
  "BEGIN",
  "COMMIT",
  "ANALYZE",
];

/** Places in a SELECT where a source can stand. */
const PLACES = [
  "SELECT * FROM $",
  "FROM $",
  "TABLE $",
  "SELECT p.* FROM plays p, $ x",
  "SELECT x.* FROM plays p CROSS JOIN $ x",
  "SELECT x.* FROM plays p, LATERAL (SELECT * FROM $) x",
  "SELECT * FROM plays p LEFT JOIN $ x ON true",
  "SELECT * FROM plays p POSITIONAL JOIN $ x",
  "SELECT (SELECT count(*) FROM $)",
  "SELECT ARRAY(SELECT x FROM $ x)",
  "SELECT * FROM plays WHERE EXISTS (FROM $)",
  "SELECT * FROM plays WHERE yards < (SELECT count(*) FROM $) OR true",
  "SELECT * FROM plays ORDER BY (SELECT count(*) FROM $)",
  "SELECT * FROM plays LIMIT (SELECT count(*) FROM $)",
  "SELECT yards FROM plays GROUP BY ALL HAVING (SELECT count(*) FROM $) >= 0",
  "SELECT sum(yards) OVER (ORDER BY (SELECT count(*) FROM $)) FROM plays",
  "SELECT sum(yards) FILTER (WHERE (SELECT count(*) FROM $) >= 0) FROM plays",
  "SELECT * FROM plays QUALIFY (SELECT count(*) FROM $) >= 0",
  "WITH x AS (SELECT * FROM $) SELECT * FROM x",
  "WITH x AS MATERIALIZED (FROM $) SELECT count(*) FROM x, x y",
  "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r, $ x WHERE n < 2) SELECT * FROM r",
  "SELECT 1 UNION ALL SELECT count(*) FROM $",
  "SELECT 1 EXCEPT SELECT count(*) FROM $",
  "VALUES ((SELECT count(*) FROM $))",
  "SELECT * FROM (PIVOT (SELECT 1 AS a FROM $) ON a IN (1) USING count(*))",
  "SELECT * FROM (UNPIVOT (SELECT 1 AS a FROM $) ON a)",
  "SELECT list_transform([1], x -> (SELECT count(*) FROM $))",
  "SELECT CASE WHEN true THEN (SELECT count(*) FROM $) END",
  "SELECT {'a': (SELECT count(*) FROM $)}",
  "SELECT unnest((SELECT list(x) FROM $ x))",
  "SELECT * FROM unnest((SELECT [count(*)] FROM $))",
  "SELECT COLUMNS(c -> (SELECT count(*) FROM $) >= 0) FROM plays",
  "SELECT * REPLACE ((SELECT count(*) FROM $) AS yards) FROM plays",
  "SELECT * FROM (FROM (FROM (FROM $)))",
  "SELECT 1; SELECT * FROM $",
  "SELECT * FROM $ TABLESAMPLE 100%",
  "SELECT try((SELECT count(*) FROM $))",
];

/** Ways to write the same statement. */
const DRESSINGS = [
  (sql) => sql,
  (sql) => sql.toUpperCase().replaceAll(/'[^']*'|"[^"]*"/g, (quoted) => quoted),
  (sql) => sql.replaceAll(" ", "/**/"),
  (sql) => sql.replaceAll(" ", "\n--x\n"),
  (sql) => `/* SELECT 1 */ ${sql}`,
  (sql) => `-- harmless\n${sql} -- ; SELECT 1`,
  (sql) => `\ufeff${sql}`,
  (sql) => sql.replaceAll(" ", "\u00a0"),
  (sql) => sql.replaceAll(" ", "\u2003"),
  (sql) => sql.replaceAll(" ", "\t\v\f"),
  (sql) => `${sql};`,
  (sql) => `${sql};;`,
  (sql) => `;${sql}`,
  (sql) => `(${sql})`,
  (sql) => `${sql}\0; SELECT 1`,
  (sql) => sql.replaceAll(/\b(read_\w+|glob|query|query_table|getenv|parquet_\w+)\(/g, '"$1"('),
  (sql) => sql.replaceAll(/\b(read_\w+|glob|query|query_table|getenv|parquet_\w+)\(/g, "main.$1("),
  (sql) => sql.replaceAll(/\b(read_\w+|glob|query|query_table|getenv|parquet_\w+)\(/g, "system.main.$1("),
  (sql) => sql.replaceAll(/\b(read_\w+|glob|query|query_table|getenv|parquet_\w+)\(/g, "$1 /* x */ ("),
  (sql) => sql.replaceAll(/'((?:DIR|ROOT|URL)[^']*)'/g, "E'$1'"),
  (sql) => sql.replaceAll(/'((?:DIR|ROOT|URL)[^']*)'/g, "$$$$$1$$$$"),
  (sql) => sql.replaceAll(/'((?:DIR|ROOT|URL)[^']*)'/g, "('' || '$1')"),
  (sql) => sql.replaceAll("canary.", "canar?."),
  (sql) => sql.replaceAll("DIR/", "DIR/./"),
  (sql) => sql.replaceAll("DIR/", "DIR//"),
];

/** The file formats that attacks name, made by DuckDB itself with the right to do so. */
async function plant(folder) {
  writeFileSync(join(folder, "canary.txt"), CANARY);
  writeFileSync(join(folder, "canary.csv"), `secret\n${CANARY}\n`);
  writeFileSync(join(folder, "canary.json"), JSON.stringify({ secret: CANARY }));
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(join(folder, "canary.db"));
  const connection = await instance.connect();
  await connection.run(`CREATE TABLE t AS SELECT '${CANARY}' AS secret`);
  await connection.run(`COPY t TO '${join(folder, "canary.parquet")}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}

/** Names and bytes of everything below a folder. */
function snapshot(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return `${path} ${readFileSync(path).toString("base64")}`;
    })
    .sort()
    .join("\n");
}

/** A result or an error, with everything in it, as text. */
function textOf(value) {
  const seen = new Set();
  const walk = (inner) => {
    if (typeof inner !== "object" || inner === null) return String(inner);
    if (seen.has(inner)) return "";
    seen.add(inner);
    if (inner instanceof Uint8Array) return Buffer.from(inner).toString("latin1");
    return Reflect.ownKeys(inner)
      .map((key) => `${String(key)}=${walk(inner[key])}`)
      .join(" ");
  };
  return walk(value);
}

const METHODS = {
  sql: async (db, text) => (await db.sql(text)).rows,
  columns: async (db, text) => (await db.columns(text)).data,
  explain: (db, text) => db.explain(text),
  async stream(db, text) {
    const rows = [];
    for await (const batch of db.stream(text)) rows.push(...batch);
    return rows;
  },
  async open(db, text) {
    const cursor = await db.open(text);
    const rows = [];
    for await (const batch of cursor) rows.push(...batch);
    return rows;
  },
  async toParquet(db, text) {
    const { path } = await db.toParquet(text);
    const bytes = readFileSync(path).toString("latin1");
    rmSync(path);
    return bytes;
  },
};

/** The statements that every run tries: each source and expression once plainly, each place and each dressing at least once. */
function* statements(random) {
  for (const source of SOURCES) yield `SELECT * FROM ${source}`;
  for (const expression of EXPRESSIONS) yield `SELECT ${expression}`;
  yield* STATEMENTS;
  for (const place of PLACES) yield place.replaceAll("$", "read_text('DIR/canary.txt')");
  for (const dress of DRESSINGS) {
    yield dress("SELECT * FROM read_text('DIR/canary.txt')");
    yield dress("SELECT * FROM 'DIR/canary.csv'");
    yield dress(random.pick(STATEMENTS));
  }
  for (;;) {
    const kind = random.next();
    const sql =
      kind < 0.1
        ? random.pick(STATEMENTS)
        : kind < 0.25
          ? random.pick(PLACES).replaceAll("$", () => `(SELECT ${random.pick(EXPRESSIONS)})`)
          : random.pick(PLACES).replaceAll("$", () => random.pick(SOURCES));
    yield random.pick(DRESSINGS)(random.pick(DRESSINGS)(sql));
  }
}

/** The counts of an attack on one database. */
function counter() {
  return {
    trials: 0,
    answered: 0,
    violations: { leak: [], untyped: [], changed: [], late: [], network: [] },
  };
}

export async function run({ seconds, seed }) {
  const random = randomFrom(seed);
  const folder = mkdtempSync(join(tmpdir(), "escapes-"));
  const [outside, root, cache] = ["outside", "outside/root", "cache"].map((name) => join(folder, name));
  for (const directory of [outside, root, cache]) mkdirSync(directory);
  process.env[VARIABLE] = CANARY;
  let requests = 0;
  const web = createServer((_, response) => {
    requests++;
    response.end(`secret\n${CANARY}\n`);
  });
  web.listen(0, "127.0.0.1");
  await once(web, "listening");
  const url = `http://127.0.0.1:${web.address().port}`;
  const credentials = { accessKeyId: `${CANARY}-id`, secretAccessKey: `${CANARY}-key` };
  const server = await startS3Server({ buckets: ["bucket"], credentials });
  const counts = counter();
  const trusted = { tried: 0, read: 0 };
  const fill = (sql) => sql.replaceAll("DIR", outside).replaceAll("ROOT", root).replaceAll("URL", url);
  try {
    await plant(outside);
    const stores = {
      local: await createLocalBackend({ root }),
      s3: createS3Backend({ bucket: "bucket", endpoint: server.endpoint, credentials, forcePathStyle: true }),
    };
    const databases = [];
    for (const [name, backend] of Object.entries(stores)) {
      const storage = new Storage(backend);
      await storage.write("raw/plays", [{ yards: 5 }], partition({ year: 2024 }));
      for (const isolate of [false, true]) {
        const db = await openQuery(storage, { cacheDirectory: cache, isolate, memoryLimit: "512MB" });
        databases.push({ name: `${name}${isolate ? ", isolated" : ""}`, db });
      }
    }
    // The attacks work where SQL is trusted; otherwise a refusal would prove nothing.
    const open = await openQuery(new Storage(stores.local), { cacheDirectory: cache, trusted: true });
    for (const source of SOURCES.filter((text) => text.includes("canary.") && !/URL|s3:|file:/.test(text))) {
      const found = await open.sql(fill(`SELECT * FROM ${source}`)).catch((error) => error);
      trusted.tried++;
      if (!(found instanceof Error)) trusted.read++;
    }
    await open.close();

    const before = snapshot(outside);
    const end = performance.now() + seconds * 1000;
    const fixed =
      SOURCES.length + EXPRESSIONS.length + STATEMENTS.length + PLACES.length + 3 * DRESSINGS.length;
    let at = 0;
    for (const template of statements(random)) {
      if (at >= fixed && performance.now() > end) break;
      const { name, db } = databases[at++ % databases.length];
      const [method, call] = random.pick(Object.entries(METHODS));
      const text = fill(template);
      const what = `${name}: ${method}(${JSON.stringify(template)})`;
      const asked = requests;
      counts.trials++;
      const startedAt = performance.now();
      const outcome = await call(db, text).then(
        (result) => ({ result }),
        (error) => ({ error }),
      );
      const { violations } = counts;
      const shown = textOf(outcome);
      if (shown.includes(CANARY)) violations.leak.push(`${what}: ${shown.slice(0, 300)}`);
      if (performance.now() - startedAt > STATEMENT_LIMIT_MS) violations.late.push(what);
      if (requests !== asked) violations.network.push(what);
      if ("result" in outcome) counts.answered++;
      else if (!isStorageError(outcome.error)) violations.untyped.push(`${what}: ${outcome.error}`);
      if (counts.trials % 200 === 0 && snapshot(outside) !== before)
        violations.changed.push(`by ${what} or shortly before`);
    }
    if (snapshot(outside) !== before) counts.violations.changed.push("by one of the last 200 statements");
    for (const { db, name } of databases) {
      const { rows } = await db.sql("SELECT yards FROM plays");
      if (rows.length !== 1) counts.violations.changed.push(`${name}: the table has ${rows.length} rows`);
      await db.close();
    }
    for (const backend of Object.values(stores)) await backend.close();
  } finally {
    await server.close();
    web.closeAllConnections();
    web.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const { trials, violations } = counts;
  const row = (check, list, note) => ({ check, trials, violations: list, ...(note ? { note } : {}) });
  return [
    {
      check: "the attacks on files read them where SQL is trusted",
      trials: trusted.tried,
      violations: trusted.read * 2 > trusted.tried ? [] : [`${trusted.read} of ${trusted.tried} read a file`],
      note: `${trusted.read} read a file`,
    },
    row(
      "locked SQL sees no file, variable or credential outside its tables",
      violations.leak,
      `${counts.answered} answered without any`,
    ),
    row("locked SQL sends no request to another server", violations.network),
    row("locked SQL changes no file", violations.changed),
    row("a refused statement fails with a StorageError", violations.untyped),
    row(`a refused statement fails within ${STATEMENT_LIMIT_MS / 1000} s`, violations.late),
  ];
}
