import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { partition, type Row, Storage } from "@parquetry/core";
import { startS3Server } from "@parquetry/testkit";
import { afterEach, describe, expect, it } from "vitest";
import { type OpenQueryOptions, openQuery, type QueryDatabase } from "../src/index.ts";

/** How often each store is queried in each way. */
const ROUNDS = Number(process.env["PARQUETRY_QUERIES"] ?? 25);
const PARTITIONS = 3;

/**
 * Replaces partitions without end. Every row says which write made it: `v` counts the overwrites of a partition, `b` the appends
 * since, and `n` is the number of rows of that write. Partition 0 has no other writer than overwrites.
 */
const writer = (backend: string, pauseMs: number): string => `
import { rm } from "node:fs/promises";
import { partition, Storage } from "@parquetry/core";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { openQuery } from "@parquetry/query";
const backend = ${backend};
const storage = new Storage(backend);
const db = await openQuery(storage, { isolate: false, cacheDirectory: process.env.CACHE });
const rows = (v, b) => { const n = 1 + ((v * 7 + b) % 50); return Array.from({ length: n }, () => ({ v, b, n })); };
const write = (w, v, b) =>
  storage.write("raw/g", rows(v, b), partition({ w }), { overwrite: b === 0, onConflict: "retry" });
process.stdout.write("ready");
for (let v = 1; ; v++) {
  await write(0, v, 0);
  const w = 1 + (v % ${PARTITIONS - 1});
  await write(w, v, 0);
  for (let b = 1; b <= v % 3; b++) await write(w, v, b);
  if (v % 5 === 0) await db.compact("raw/g", { where: { w } });
  if (v % 7 === 0) await storage.repair("raw/g");
  // The partition 9 comes and goes.
  if (v % 4 === 0) await write(9, v, 0);
  if (v % 4 === 2) for await (const page of backend.list({ prefix: "raw/g/w=9" })) for await (const _ of backend.delete(page.objects.map(({ key }) => key)));
  await new Promise((resolve) => setTimeout(resolve, ${pauseMs}));
}`;

let clean: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const each of clean.reverse()) await each();
  clean = [];
});

async function start(
  kind: "local" | "s3",
  pauseMs: number,
): Promise<{ storage: Storage; cacheDirectory: string }> {
  const folder = await mkdtemp(join(tmpdir(), "parquetry-beside-"));
  clean.push(() => rm(folder, { recursive: true, force: true }));
  let expression: string;
  let storage: Storage;
  if (kind === "local") {
    const root = join(folder, "data");
    await mkdir(root);
    storage = new Storage(await createLocalBackend({ root }));
    expression = `await createLocalBackend({ root: ${JSON.stringify(root)} })`;
  } else {
    const server = await startS3Server({ buckets: ["football"] });
    clean.push(() => server.close());
    const options = {
      bucket: "football",
      endpoint: server.endpoint,
      credentials: server.credentials,
      forcePathStyle: true,
    };
    storage = new Storage(createS3Backend(options));
    expression = `createS3Backend(${JSON.stringify(options)})`;
  }
  clean.push(() => storage.close());
  for (let w = 0; w < PARTITIONS; w++) await storage.write("raw/g", [{ v: 0, b: 0, n: 1 }], partition({ w }));
  const child: ChildProcess = spawn(
    process.execPath,
    ["--input-type=module", "-e", writer(expression, pauseMs)],
    {
      cwd: join(import.meta.dirname, ".."),
      env: { ...process.env, CACHE: join(folder, "cache-of-writer") },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  clean.push(async () => {
    if (child.exitCode !== null) throw new Error(`the writer has failed with ${child.exitCode}`);
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  if (child.stdout !== null) await once(child.stdout, "data");
  return { storage, cacheDirectory: join(folder, "cache") };
}

/** Each partition must be one version: the rows of one overwrite, and of all appends since or of the first few. */
function expectVersions(rows: readonly Row[]): void {
  for (const w of new Set(rows.map((row) => row["w"]))) {
    const own = rows.filter((row) => row["w"] === w);
    expect(new Set(own.map(({ v }) => v)).size, `versions of w=${w}`).toBe(1);
    const batches = new Set(own.map(({ b }) => Number(b)));
    for (const b of batches) {
      const batch = own.filter((row) => row["b"] === b);
      expect(batch.length, `rows of append ${b} in w=${w}`).toBe(batch[0]?.["n"]);
    }
    expect(Math.max(...batches), `appends in w=${w}`).toBe(batches.size - 1);
  }
}

const SQL = "SELECT * FROM g";
const READS: Readonly<Record<string, (db: QueryDatabase) => Promise<void>>> = {
  async sql(db) {
    const { rows } = await db.sql(SQL);
    expect(new Set(rows.map(({ w }) => w))).toEqual(new Set([...[0, 1, 2], ...rows.map(({ w }) => w)]));
    expectVersions(rows);
  },
  async aggregate(db) {
    const { rows } = await db.sql("SELECT w, count(DISTINCT v) AS versions FROM g GROUP BY w");
    expect(rows.every(({ versions }) => versions === 1)).toBe(true);
  },
  async stream(db) {
    const rows: Row[] = [];
    for await (const batch of db.stream(`${SQL} WHERE w < 9`)) rows.push(...batch);
    expectVersions(rows);
  },
  async file(db) {
    const { path } = await db.toParquet(SQL);
    await rm(path);
  },
  async describe(db) {
    db.refresh();
    const { columns } = await db.describe("g");
    expect(columns.map(({ name }) => name)).toEqual(["v", "b", "n"]);
  },
  async explain(db) {
    expect((await db.explain(`${SQL} WHERE w = 0`)).tables[0]?.partitions).toBe(1);
  },
  async tables(db) {
    expect(await db.tables()).toEqual(["raw/g"]);
  },
};

describe.each(["local", "s3"] as const)("%s", (kind) => {
  it.each([0, 20])(
    "reads one version of every partition beside a writer that pauses %s ms",
    async (pauseMs) => {
      const { storage, cacheDirectory } = await start(kind, pauseMs);
      const open = (options: OpenQueryOptions = {}): Promise<QueryDatabase> =>
        openQuery(storage, { cacheDirectory, ...options });
      await using warm = await open();
      for (let round = 0; round < ROUNDS; round++) {
        for (const read of Object.values(READS)) await read(warm);
        await using fresh = await open({ isolate: round % 10 === 0 });
        await READS["sql"]?.(fresh);
      }
    },
  );
});
