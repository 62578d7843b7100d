import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { HIVE_NULL, Storage, type StorageBackend } from "@parquetry/core";
import { encodeHive } from "@parquetry/core/unstable";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";
import { randomQuery, randomSource, TEAMS } from "./random-query.ts";
import { openServer, TEST_SERVERS, upload } from "./test-servers.ts";

/** `PARQUETRY_FUZZ_QUERIES=20000 PARQUETRY_FUZZ_SEED=7` for a longer run, `PARQUETRY_FUZZ_STORE=s3` over an S3 server, and over
 * every server that `scripts/servers.mjs` has started. */
const QUERIES = Number(process.env["PARQUETRY_FUZZ_QUERIES"] ?? 200);
const SEED = Number(process.env["PARQUETRY_FUZZ_SEED"] ?? 1);

let root: string;
let instance: DuckDBInstance;
let oracle: DuckDBConnection;
let db: QueryDatabase;
let server: S3Server | undefined;

const literal = (value: unknown): string => {
  if (value === null) return "NULL";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  return typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value);
};

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-fuzz-"));
  instance = await DuckDBInstance.create(":memory:");
  oracle = await instance.connect();
  await oracle.run("SET TimeZone = 'UTC'; SET disabled_optimizers = 'join_filter_pushdown'");
  // The oracle has every row in ordinary tables: it prunes nothing and reads no path.
  await oracle.run(
    'CREATE TABLE "raw/plays" (n BIGINT, year BIGINT, week BIGINT, team VARCHAR); CREATE TABLE "raw/games" (n BIGINT, year BIGINT, team VARCHAR); CREATE TABLE teams (n BIGINT, name VARCHAR); CREATE VIEW plays AS FROM "raw/plays"',
  );
  const random = randomSource(99);
  const segment = (key: string, value: string | null): string =>
    `${key}=${value === null ? HIVE_NULL : encodeHive(value)}`;
  const write = async (table: string, folder: string, keys: string): Promise<void> => {
    await mkdir(join(root, table, folder), { recursive: true });
    const rows = `SELECT CAST(range % 7 AS BIGINT) AS n FROM range(${1 + Math.floor(random() * 4)})`;
    await oracle.run(`COPY (${rows}) TO ${literal(join(root, table, folder, "a.parquet"))}`);
    await oracle.run(`INSERT INTO "${table}" SELECT n${keys} FROM (${rows})`);
  };
  for (const year of ["2021", "2022", "2023", "2024", null]) {
    for (const team of [...TEAMS, null]) {
      if (random() < 0.3) continue;
      await write(
        "raw/games",
        `${segment("year", year)}/${segment("team", team)}`,
        `, ${literal(year)}, ${literal(team)}`,
      );
    }
    for (const week of ["1", "2", "3", "10", null]) {
      for (const team of [...TEAMS, null]) {
        if (random() < 0.6) continue;
        const folder = `${segment("year", year)}/${segment("week", week)}/${segment("team", team)}`;
        await write("raw/plays", folder, `, ${literal(year)}, ${literal(week)}, ${literal(team)}`);
      }
    }
  }
  await oracle.run(`INSERT INTO teams SELECT length(t), t FROM (SELECT unnest(${literal(TEAMS)}) AS t)`);
  await mkdir(join(root, "teams"));
  await oracle.run(`COPY teams TO ${literal(join(root, "teams", "teams.parquet"))}`);
  const storage = new Storage(await openStore());
  db = await openQuery(storage, { cacheDirectory: join(root, ".cache") });
}, 3_600_000);

async function openStore(): Promise<StorageBackend> {
  const local = await createLocalBackend({ root });
  if (process.env["PARQUETRY_FUZZ_STORE"] !== "s3") return local;
  server = await startS3Server({ buckets: ["football"] });
  const { endpoint, credentials } = server;
  const remote = createS3Backend({ bucket: "football", endpoint, credentials });
  await upload(local, remote);
  return remote;
}

afterAll(async () => {
  await db?.close();
  await server?.close();
  oracle?.closeSync();
  instance?.closeSync();
  await rm(root, { recursive: true, force: true });
});

it(
  `returns for ${QUERIES} random queries what DuckDB returns over all rows`,
  () => compare(db),
  Math.max(60_000, QUERIES * 200),
);

it.each(TEST_SERVERS)(
  "returns the same over $name",
  async (testServer) => {
    const backend = openServer(testServer, "fuzz");
    await upload(await createLocalBackend({ root }), backend);
    await using remote = await openQuery(new Storage(backend), { cacheDirectory: join(root, ".cache") });
    await compare(remote);
    await backend.close();
  },
  600_000,
);

async function compare(asked: QueryDatabase): Promise<void> {
  const random = randomSource(SEED);
  let answered = 0;
  let pruned = 0;
  let unpruned = 0;
  for (let i = 0; i < QUERIES; i++) {
    const { sql, parameters } = randomQuery(random);
    const substituted = sql.replace(/\$(p\d+)/g, (_, name) => literal(parameters[name] ?? null));
    let expected: unknown[][];
    try {
      const result = await oracle.run(substituted);
      expected = (await result.getRows()).map((row) =>
        row.map((value) => (typeof value === "bigint" ? Number(value) : value)),
      );
    } catch {
      // A random query can be invalid, such as 'null' as a number: then nothing can be compared.
      continue;
    }
    const { rows, stats } = await asked.sql(sql, parameters).catch((error: unknown) => {
      throw new Error(`query ${i} failed: ${sql} ${literal(Object.values(parameters))}`, { cause: error });
    });
    const sorted = (values: readonly unknown[][]): string[] =>
      values.map((row) => JSON.stringify(row)).sort();
    expect(sorted(rows.map((row) => Object.values(row))), `query ${i}: ${substituted}`).toEqual(
      sorted(expected),
    );
    answered++;
    if (stats.tables.some(({ levels }) => levels.some(({ kept, total }) => kept < total))) pruned++;
    if (stats.unpruned !== undefined) unpruned++;
  }
  expect(answered).toBeGreaterThan(QUERIES * 0.7);
  // The test would prove nothing if nothing were pruned, or if the planner failed and every partition were read.
  expect(pruned).toBeGreaterThan(answered * 0.4);
  expect(unpruned).toBe(0);
}
