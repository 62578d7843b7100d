import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { isStorageError, parseKey, partition, type Row, Storage } from "@parquetry/core";
import { openQuery, type QueryDatabase } from "@parquetry/query";
import { afterEach, expect, it } from "vitest";
import { registerTable, trino } from "../../src/index.ts";
import { describeTrino, newSchema, TEST_TRINO } from "../support/test-trino.ts";

/** How long each store is queried. `PARQUETRY_TRINO_SECONDS=90` is the long run. */
const SECONDS = Number(process.env["PARQUETRY_TRINO_SECONDS"] ?? 5);
const PARTITIONS = 3;
const TABLE = "raw/g";

/**
 * Replaces partitions without end. Every row says which version it belongs to and how many rows that has, and each partition's versions
 * only grow.
 */
const writer = (backend: string, first: number): string => `
import { partition, Storage } from "@parquetry/core";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
const storage = new Storage(${backend});
for (let v = ${first}; ; v++) {
  const n = 1 + (v * 7) % 50;
  process.stdout.write("writes");
  await storage.write("${TABLE}", Array.from({ length: n }, () => ({ v, n })), partition({ w: v % ${PARTITIONS} }), { overwrite: true, onConflict: "retry" });
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 400));
}`;

let clean: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const each of clean.reverse()) await each();
  clean = [];
});

/** A storage that Trino can read, and an expression that opens it in another process. */
async function place(kind: "local" | "s3"): Promise<{ storage: Storage; expression: string }> {
  if (kind === "local") {
    const folder = await mkdtemp(join(tmpdir(), "parquetry-trino-"));
    clean.push(() => rm(folder, { recursive: true, force: true }));
    const root = join(folder, "data");
    await mkdir(root);
    const expression = `await createLocalBackend({ root: ${JSON.stringify(root)} })`;
    return { storage: new Storage(await createLocalBackend({ root })), expression };
  }
  const options = { ...TEST_TRINO.s3, prefix: parseKey(`replaced-${process.pid}-${Date.now()}`) };
  const expression = `createS3Backend(${JSON.stringify(options)})`;
  return { storage: new Storage(createS3Backend(options)), expression };
}

async function startWriter(expression: string, first: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", writer(expression, first)], {
    cwd: join(import.meta.dirname, "..", ".."),
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("no pipe");
  await once(child.stdout, "data");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const exit = once(child, "exit");
  // In the middle of a commit, most of the time.
  if (child.stdout !== null) await Promise.race([once(child.stdout, "data"), exit]);
  await sleep(Math.random() * 30);
  if (!child.kill("SIGKILL")) throw new Error(`the writer has failed with ${child.exitCode}`);
  await exit;
}

/** The version of each partition. All rows of a partition must be of one version, and all of its rows there. */
function versionsOf(rows: readonly Row[]): readonly number[] {
  return Array.from({ length: PARTITIONS }, (_, w) => {
    const own = rows.filter((row) => Number(row["w"]) === w);
    const versions = new Set(own.map(({ v }) => Number(v)));
    expect([...versions], `versions in w=${w}`).toHaveLength(1);
    expect(own, `rows of version ${[...versions]} in w=${w}`).toHaveLength(Number(own[0]?.["n"]));
    return [...versions][0] ?? -1;
  });
}

const SQL = "SELECT w, v, n FROM g";
const READS: Readonly<Record<string, (db: QueryDatabase) => Promise<readonly Row[]>>> = {
  sql: async (db) => (await db.sql(SQL)).rows,
  stream: async (db) => {
    const rows: Row[] = [];
    for await (const batch of db.stream(SQL)) rows.push(...batch);
    return rows;
  },
  join: async (db) =>
    (await db.sql("WITH a AS (SELECT w FROM g GROUP BY w) SELECT g.* FROM g JOIN a ON a.w = g.w")).rows,
};

describeTrino("a query while partitions are replaced and writers are killed", () => {
  it.each(["s3", "local"] as const)(
    "returns whole versions that were committed, or conflict: %s",
    async (kind) => {
      const { storage, expression } = await place(kind);
      clean.push(() => storage.close());
      for (let w = 0; w < PARTITIONS; w++) await storage.write(TABLE, [{ v: w, n: 1 }], partition({ w }));
      await plantFile(storage);
      const client = await newSchema();
      await using described = await openQuery(storage);
      const table = await described.describe("g");
      await registerTable(client, storage.backend, table);
      const { url, schema, catalog } = { ...TEST_TRINO, schema: client.schema };
      await using db = await openQuery(storage, { engine: trino({ url, catalog, schema }) });

      const outcomes: Record<string, number> = { whole: 0, conflict: 0 };
      const seen = new Set<number>();
      let latest: readonly number[] = Array.from({ length: PARTITIONS }, (_, w) => w);
      let uncommitted = 0;
      const take = (rows: readonly Row[]): void => {
        const versions = versionsOf(rows);
        for (const [w, version] of versions.entries()) {
          expect(version, `w=${w} goes back`).toBeGreaterThanOrEqual(latest[w] ?? 0);
          seen.add(version);
        }
        latest = versions;
      };
      const attempt = async (name: string, read: (typeof READS)[string] | undefined): Promise<void> => {
        try {
          take((await read?.(db)) ?? []);
          outcomes["whole"] = (outcomes["whole"] ?? 0) + 1;
        } catch (error) {
          if (!isStorageError(error, "conflict")) throw new Error(`${name} failed`, { cause: error });
          outcomes["conflict"] = (outcomes["conflict"] ?? 0) + 1;
        }
      };
      const ends = performance.now() + SECONDS * 1000;
      for (let kills = 0; performance.now() < ends || kills < 3; kills++) {
        const child = await startWriter(expression, Math.max(...latest) + 1);
        for (const [name, read] of Object.entries(READS)) await attempt(name, read);
        // The writer dies while a query runs.
        const over = kill(child);
        await attempt("sql", READS["sql"]);
        await over;
        if (kills % 4 === 1) {
          const again = await startWriter(expression, Math.max(...latest) + 1);
          const checked = await registerTable(client, storage.backend, table, { check: true }).catch(
            orConflict,
          );
          await kill(again);
          expect(checked?.differences ?? []).toEqual([]);
        }
        uncommitted += await uncommittedFiles(storage);
        // Nobody writes: the result is what a reader of the storage finds, however the writer died. Where it died before it gave a
        // committed file its name, which Trino cannot read, repair does that.
        const { rows } = await db.sql(SQL).catch(async (error) => {
          if (!isStorageError(error, "conflict")) throw error;
          await storage.repair(TABLE);
          return db.sql(SQL);
        });
        take(rows);
        expect(versionsOf(await storage.readIndex(TABLE))).toEqual(latest);
      }
      console.log(kind, outcomes, { versions: seen.size, uncommitted });
      expect(seen.size, "versions that were seen").toBeGreaterThan(PARTITIONS);
    },
  );
});

function orConflict(error: unknown): undefined {
  if (!isStorageError(error, "conflict")) throw error;
}

/** Leaves a file that no manifest names, as a writer does that is killed before its commit. */
async function plantFile(storage: Storage): Promise<void> {
  const [file = ""] = (await storage.listFiles(`${TABLE}/w=0`)).filter((name) => name.endsWith(".parquet"));
  await storage.backend.copy(parseKey(file), parseKey(`${TABLE}/w=0/part-planted.parquet`));
}

/** Counts the files that a killed writer has not committed, or not deleted after its commit. */
async function uncommittedFiles(storage: Storage): Promise<number> {
  const names = (await storage.listFiles(parseKey(TABLE))).filter((name) => name.endsWith(".parquet"));
  return names.length - PARTITIONS;
}
