import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { createS3Backend } from "@parquetry/backend-s3";
import { parseKey, Storage, type StorageBackend } from "@parquetry/core";
import { type S3Server, startS3Server } from "@parquetry/testkit";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";
import { randomSource } from "./random-query.ts";

let root: string;
let instance: DuckDBInstance;
let oracle: DuckDBConnection;
let server: S3Server;
let backend: StorageBackend;
let db: QueryDatabase;
let sizeBytes = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-partial-"));
  instance = await DuckDBInstance.create(":memory:");
  oracle = await instance.connect();
  // Sorted by id, in row groups; Bloom filters, dictionaries, nested columns, NULLs.
  await oracle.run(`CREATE TABLE plays AS SELECT 2024::BIGINT AS year, range AS id, hash(range) AS noise, hash(range * 7)::VARCHAR AS text,
    CASE WHEN range % 3 = 0 THEN NULL ELSE 'team ' || range % 50 END AS team, (range // 1000)::INTEGER AS game,
    {a: range % 10, b: [range::VARCHAR, NULL]} AS nested, [range % 5, 1] AS list,
    DATE '2024-01-01' + (range // 1000)::INTEGER AS day, range % 100 AS "Mixed.Case" FROM range(250_000)`);
  await oracle.run(
    `COPY (SELECT * EXCLUDE year FROM plays ORDER BY id) TO '${root}/plays.parquet' (FORMAT parquet, ROW_GROUP_SIZE 20_000)`,
  );
  server = await startS3Server({ buckets: ["football"] });
  const { endpoint, credentials } = server;
  backend = createS3Backend({ bucket: "football", endpoint, credentials });
  const bytes = await readFile(join(root, "plays.parquet"));
  sizeBytes = bytes.byteLength;
  await backend.put(parseKey("raw/plays/year=2024/a.parquet"), bytes);
}, 60_000);

beforeEach(async () => {
  await db?.close();
  await rm(join(root, "cache"), { recursive: true, force: true });
  db = await openQuery(new Storage(backend), { cacheDirectory: join(root, "cache") });
});

afterAll(async () => {
  await db?.close();
  await backend?.close();
  await server?.close();
  oracle?.closeSync();
  instance?.closeSync();
  await rm(root, { recursive: true, force: true });
});

async function expected(sql: string): Promise<unknown> {
  return JSON.parse(JSON.stringify(await (await oracle.runAndReadAll(sql)).getRowObjectsJson()));
}

async function compare(sql: string): Promise<number> {
  const { rows, stats } = await db.sql(sql, undefined, { timestamps: "text" });
  const plain = (value: unknown): string =>
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === "bigint" || typeof inner === "number" ? String(inner) : inner,
    );
  expect(plain(rows), sql).toBe(plain(await expected(sql)));
  return stats.fetchedBytes;
}

it("fetches only the columns and row groups of a query", async () => {
  await db.describe("plays");
  const columns = await compare("SELECT sum(game) AS s, count(*) AS n FROM plays");
  expect(columns).toBeLessThan(sizeBytes / 10);
  // Other columns, and 1 of 13 row groups.
  const groups = await compare(
    "SELECT sum(noise::HUGEINT) AS s FROM plays WHERE id BETWEEN 45_000 AND 45_010",
  );
  expect(groups).toBeGreaterThan(0);
  expect(groups).toBeLessThan(sizeBytes / 20);
  // The same again needs nothing, and another process finds it in the cache.
  expect(await compare("SELECT sum(game) AS s, count(*) AS n FROM plays")).toBe(0);
  await using other = await openQuery(new Storage(backend), { cacheDirectory: join(root, "cache") });
  await other.describe("plays");
  expect((await other.sql("SELECT max(game) FROM plays")).stats).toMatchObject({
    fetchedBytes: 0,
    fetchedFiles: 0,
  });
  expect((await other.explain("SELECT max(game) FROM plays")).tables[0]?.filesCached).toBe(1);
  // Holes take no space.
  const entries = await readdir(join(root, "cache"), { recursive: true, withFileTypes: true });
  let onDisk = 0;
  for (const entry of entries) {
    if (entry.isFile()) onDisk += (await stat(join(entry.parentPath, entry.name))).blocks * 512;
  }
  expect(onDisk).toBeLessThan(sizeBytes / 2);
  // A query of everything fetches everything.
  const few = await db.sql("SELECT * FROM plays WHERE id < 3");
  expect(few.rows).toHaveLength(3);
  expect(few.stats.fetchedBytes).toBeLessThan(sizeBytes / 5);
  const all = await db.sql("SELECT * FROM plays ORDER BY id LIMIT 2");
  expect(all.stats.fetchedBytes).toBeGreaterThanOrEqual(sizeBytes);
}, 60_000);

it("returns what DuckDB returns over the whole file", async () => {
  const random = randomSource(5);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const number = (): number => Math.floor(random() * 260_000) - 5_000;
  const columns = ["id", "noise", "text", "team", "game", "nested.a", "nested", "list", '"Mixed.Case"'];
  const conditions = [
    () => `id = ${number()}`,
    () => `${number()} > id`,
    () => `id IN (${number()}, ${number()})`,
    () => `game BETWEEN ${Math.floor(number() / 1000)} AND ${Math.floor(number() / 1000)}`,
    () => `NOT id >= ${number()}`,
    () => `team = 'team ${Math.floor(random() * 60)}'`,
    () => `day = DATE '2024-03-${10 + Math.floor(random() * 20)}'`,
    () => `"Mixed.Case" = ${Math.floor(random() * 120)}`,
    () => `(id < ${number()} OR team IS NULL)`,
    () => `list[1] = ${Math.floor(random() * 6)}`,
    () => "year = 2024",
  ];
  for (let i = 0; i < 60; i++) {
    const selected = [...new Set([pick(columns), pick(columns), "id"])].join(", ");
    const where = Array.from({ length: 1 + Math.floor(random() * 3) }, () => pick(conditions)()).join(
      " AND ",
    );
    await compare(`SELECT ${selected} FROM plays WHERE ${where} ORDER BY id LIMIT 20`);
    if (i % 5 === 0) await compare(`SELECT count(*) AS n, min(id) AS low FROM plays WHERE ${where}`);
    if (i % 20 === 19) await rm(join(root, "cache"), { recursive: true, force: true });
  }
}, 120_000);

it("names an object that is not a Parquet file", async () => {
  const broken = Buffer.alloc(5 * 1024 * 1024, "no Parquet");
  await backend.put(parseKey("raw/broken/a.parquet"), broken);
  await expect(db.sql("SELECT x FROM broken")).rejects.toMatchObject({
    code: "corrupt",
    message: expect.stringContaining("raw/broken/a.parquet"),
  });
});
