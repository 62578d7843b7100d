import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { partition, Storage, type StorageBackend } from "@parquetry/core";
import { MANIFEST_NAME, type ManifestField } from "@parquetry/core/unstable/tables";
import { startS3Server } from "@parquetry/testkit";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

let root: string;
let storage: Storage;
let db: QueryDatabase;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-compact-"));
  await mkdir(join(root, "data"));
  await use(await createLocalBackend({ root: join(root, "data") }));
});

afterEach(async () => {
  await db.close();
  await rm(root, { recursive: true, force: true });
});

async function use(backend: StorageBackend): Promise<void> {
  storage = new Storage(backend);
  db = await openQuery(storage, { cacheDirectory: join(root, "cache") });
}

const ROWS = 7;

async function writeWeeks(): Promise<void> {
  for (const week of [1, 2]) {
    for (let file = 0; file < 3; file++) {
      const rows = Array.from({ length: ROWS }, (_, i) => ({
        play: 100 - i * 10 - file,
        at: new Date(1e12 + i),
        big: 2n ** 60n + BigInt(i),
        note: file === 2 ? null : `Hawai'i ${i}`,
        tags: [`${file}`, null],
      }));
      await storage.write("raw/plays", rows, partition({ year: 2024, week }), { overwrite: false });
    }
  }
}

const everything = async (): Promise<unknown> => (await db.sql('FROM "raw/plays" ORDER BY ALL')).rows;
const filesOf = async (place: string): Promise<string[]> =>
  (await readdir(join(root, "data", place))).filter((name) => name !== MANIFEST_NAME);

it("merges many files into one without changing a row, on disk and over S3", async () => {
  const check = async (): Promise<void> => {
    await writeWeeks();
    const before = await everything();
    const read = await storage.readIndex("raw/plays", { week: 2 });
    const plan = await db.compact("plays", { dryRun: true });
    expect(plan.compacted.map(({ partition: path, filesBefore }) => [path, filesBefore])).toEqual([
      ["year=2024/week=1", 3],
      ["year=2024/week=2", 3],
    ]);
    expect((await db.explain("FROM plays")).tables[0]?.files).toBe(6);

    const done = await db.compact("raw/plays", { sortBy: ["play"] });
    expect(done).toMatchObject({ dryRun: false, failed: [], skipped: [] });
    expect(done.compacted.map(({ rows }) => rows)).toEqual([3 * ROWS, 3 * ROWS]);
    expect(await everything()).toEqual(before);
    expect((await db.explain("FROM plays")).tables[0]?.files).toBe(2);
    const compacted = await storage.readIndex("raw/plays", { week: 2 });
    expect(compacted.map((row) => row["play"])).toEqual(
      read.map((row) => Number(row["play"])).sort((a, b) => a - b),
    );
    expect(new Set(compacted.map((row) => JSON.stringify(row, text)))).toEqual(
      new Set(read.map((row) => JSON.stringify(row, text))),
    );
    expect((await storage.repair("raw/plays", { dryRun: true })).removed).toEqual([]);
    // Nothing is left to do, and an append still finds its place.
    expect((await db.compact("raw/plays")).compacted).toEqual([]);
    await storage.write("raw/plays", [{ play: 1 }], partition({ year: 2024, week: 1 }), { overwrite: false });
    expect((await db.sql("SELECT count(*) AS n FROM plays")).rows).toEqual([{ n: 6 * ROWS + 1 }]);
  };
  await check();
  expect(await filesOf("raw/plays/year=2024/week=2")).toHaveLength(1);
  const manifest = join(root, "data", "raw/plays/year=2024/week=2", MANIFEST_NAME);
  const { rows, schema } = JSON.parse(await readFile(manifest, "utf8"));
  expect([rows, ...schema.fields.map(({ name, type }: ManifestField) => `${name} ${type}`)]).toEqual([
    ...[3 * ROWS, "play int64", "at timestamp", "big int64", "note string", "tags list<string>"],
  ]);
  await db.close();
  await using server = await startS3Server({ buckets: ["football"] });
  const { endpoint, credentials } = server;
  await use(createS3Backend({ bucket: "football", endpoint, credentials }));
  await check();
  await storage.close();
});

const text = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);

it("merges files of other systems, and only in the selected partitions", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  for (const year of [2023, 2024]) {
    const folder = join(root, "data", "games", `year=${year}`);
    await mkdir(folder, { recursive: true });
    // Types of which Parquetry itself writes none.
    await connection.run(
      `COPY (SELECT 1::INTEGER AS id, 1.25::DECIMAL(9, 2) AS score, DATE '2024-09-01' AS day) TO '${folder}/a.parquet'`,
    );
    await connection.run(
      `COPY (SELECT 2::BIGINT AS id, 2.5::DECIMAL(12, 3) AS score, NULL::DATE AS day, 'x' AS extra) TO '${folder}/b.parquet'`,
    );
  }
  connection.closeSync();
  instance.closeSync();
  const before = (await db.sql("FROM games ORDER BY ALL")).rows;
  const done = await db.compact("games", { where: { year: 2024 } });
  expect(done.compacted).toHaveLength(1);
  expect(await filesOf("games/year=2023")).toEqual(["a.parquet", "b.parquet"]);
  expect(await filesOf("games/year=2024")).toHaveLength(1);
  expect((await db.sql("FROM games ORDER BY ALL")).rows).toEqual(before);
  await expect(db.compact("games", { where: { yaer: 1 } })).rejects.toMatchObject({
    code: "invalid_argument",
  });
  await expect(db.compact("games", { sortBy: ["scroe"] })).rejects.toMatchObject({
    code: "invalid_argument",
  });
});

it("refuses to write into an entity that is partitioned by other keys, and writes nothing", async () => {
  await writeWeeks();
  await storage.write("raw/teams", [{ name: "Rice" }], partition({ kind: "a" }));
  const compact = (entity: string, keys: string[]): Promise<unknown> =>
    db.compact("raw/plays", { into: { entity, keys } });
  await expect(compact("raw/teams", ["year"])).rejects.toThrow(
    "compact: raw/teams is partitioned by kind, but the partitions to write are partitioned by year. Give its keys, or write into another entity.",
  );
  await expect(compact("raw/teams", [])).rejects.toMatchObject({ code: "invalid_argument" });
  expect(await readdir(join(root, "data", "raw", "teams"))).toEqual(["kind=a"]);

  await compact("raw/plays_by_year", ["year"]);
  await expect(compact("raw/plays_by_year", ["year", "week"])).rejects.toThrow("is partitioned by year, but");
  expect(await filesOf("raw/plays_by_year/year=2024")).toHaveLength(1);
});

it("merges partitions of a ragged tree into another entity, more than once", async () => {
  await writeWeeks();
  await storage.write("raw/plays", [{ play: 1 }], partition({ year: 2025 }), { allowOtherKeys: true });
  const into = { entity: "raw/plays_by_week", keys: ["week"] };
  expect((await db.compact("raw/plays", { into })).failed).toEqual([]);
  expect((await db.compact("raw/plays", { into })).failed).toEqual([]);
  expect((await db.sql("SELECT count(*) AS n FROM plays_by_week")).rows).toEqual([{ n: 6 * ROWS + 1 }]);
});

it("merges many partitions into few, in another entity", async () => {
  await writeWeeks();
  const before = await everything();
  const into = { entity: "raw/plays_by_year", keys: ["year"] };
  const done = await db.compact("raw/plays", { into, sortBy: ["week", "play"] });
  expect(done).toMatchObject({
    failed: [],
    compacted: [{ partition: "year=2024", filesBefore: 6, rows: 6 * ROWS }],
  });
  expect(await everything()).toEqual(before);
  const columns = '"year", "week", "play", "at", "big", "note", "tags"';
  const of = async (table: string): Promise<unknown> =>
    (await db.sql(`SELECT ${columns} FROM "${table}" ORDER BY ALL`)).rows;
  expect(await of("raw/plays_by_year")).toEqual(await of("raw/plays"));
});

it("resumes, replaces partitions whose files have changed, and overwrites nothing else", async () => {
  await writeWeeks();
  const into = { entity: "raw/plays_by_week", keys: ["year", "week"] };
  const count = async (): Promise<unknown> =>
    (await db.sql("SELECT week, count(*) AS n FROM plays_by_week GROUP BY week ORDER BY week")).rows;
  await db.compact("raw/plays", { into, where: { week: 1 } });
  const again = await db.compact("raw/plays", { into });
  expect(again).toMatchObject({
    failed: [],
    compacted: [{ partition: "year=2024/week=2" }],
    skipped: [{ partition: "year=2024/week=1", reason: "it was made from the same files" }],
  });
  await storage.write("raw/plays", [{ play: 1 }], partition({ year: 2024, week: 2 }), { overwrite: false });
  const later = await db.compact("raw/plays", { into });
  expect(later).toMatchObject({ failed: [], compacted: [{ partition: "year=2024/week=2" }] });
  expect(await count()).toEqual([
    { week: 1, n: 3 * ROWS },
    { week: 2, n: 3 * ROWS + 1 },
  ]);
  // Rows that compact has not made stay, whatever comes.
  await storage.write("raw/plays_by_week", [{ play: 2 }], partition({ year: 2024, week: 1 }), {
    overwrite: false,
  });
  const last = await db.compact("raw/plays", { into, dryRun: true });
  expect(last.failed.map(({ partition: path, error }) => [path, error.code])).toEqual([
    ["year=2024/week=1", "conflict"],
  ]);
});

it("never replaces all rows of a partition by a part of them", async () => {
  await writeWeeks();
  const into = { entity: "raw/plays_by_year", keys: ["year"] };
  await db.compact("raw/plays", { into });
  const part = await db.compact("raw/plays", { into, where: { week: 1 } });
  expect(part.failed[0]?.error.message).toMatch(/only a part of its rows/);
  expect((await db.sql("SELECT count(*) AS n FROM plays_by_year")).rows).toEqual([{ n: 6 * ROWS }]);
});

it("merges a partition with the rows of a concurrent write, and leaves one with a broken file unchanged", async () => {
  await writeWeeks();
  let raced = false;
  const { backend } = storage;
  const racing: StorageBackend = {
    ...backend,
    name: backend.name,
    capabilities: backend.capabilities,
    async put(key, body, options) {
      // The new file is on its way: another writer commits first.
      if (!raced && key.includes("week=1")) {
        raced = true;
        await storage.write("raw/plays", [{ play: -1 }], partition({ year: 2024, week: 1 }), {
          overwrite: false,
        });
      }
      return backend.put(key, body, options);
    },
  };
  await mkdir(join(root, "data", "raw/plays/year=2024/week=11"), { recursive: true });
  for (const name of ["a", "b"])
    await writeFile(
      join(root, "data", "raw/plays/year=2024/week=11", `${name}.parquet`),
      "PAR1 this is none PAR1",
    );
  await using other = await openQuery(new Storage(racing), { cacheDirectory: join(root, "cache") });
  const done = await other.compact("raw/plays");
  expect(raced).toBe(true);
  expect(done.failed.map(({ partition: path, error }) => [path, error.code]).sort()).toEqual([
    ["year=2024/week=11", "corrupt"],
  ]);
  expect(
    (await storage.listFiles("raw/plays/year=2024/week=1")).filter((key) => /parquet$/.test(key)),
  ).toHaveLength(1);
  // Both are broken; DuckDB opens them in any order.
  expect(done.failed.find(({ error }) => error.code === "corrupt")?.error.message).toMatch(
    /week=11\/[ab]\.parquet/,
  );
  const { rows } = await db.sql(
    "SELECT week, count(*) AS n FROM plays WHERE week < 3 GROUP BY week ORDER BY week",
  );
  expect(rows).toEqual([
    { week: 1, n: 3 * ROWS + 1 },
    { week: 2, n: 3 * ROWS },
  ]);
});
