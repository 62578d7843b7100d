// Queries beside a writer that commits without a pause, and statements that DuckDB cannot interrupt.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "../../packages/backend-local/dist/index.js";
import { createS3Backend } from "../../packages/backend-s3/dist/index.js";
import { partition, Storage } from "../../packages/core/dist/index.js";
import { openQuery } from "../../packages/query/dist/index.js";
import { startS3Server } from "../../packages/testkit/dist/index.js";

const PACKAGES = new URL("../../packages/", import.meta.url).href;
const LATE_MS = 250;
const TIMEOUT_MS = 300;

const many = (count, text, separator) => Array.from({ length: count }, (_, i) => text(i)).join(separator);
const LONG = {
  joins: `SELECT count(*) FROM g ${many(300, (i) => `JOIN g g${i} USING (w)`, " ")}`,
  unions: many(20_000, () => "SELECT 1", " UNION ALL "),
  comments: `SELECT 1 ${"/*".repeat(200_000)}${"*/".repeat(200_000)}`,
  CTEs: `WITH ${many(20_000, (i) => `c${i} AS (SELECT * FROM ${i > 0 ? `c${i - 1}` : "g"})`, ",")} SELECT * FROM c19999`,
  "cross join": "SELECT count(*) FROM range(10_000_000) a, range(10_000_000) b WHERE a.range + b.range = 7",
};

/** @param backend an expression. */
const writer = (backend, mostPauseMs) => `
import { partition, Storage } from "${PACKAGES}core/dist/index.js";
import { createLocalBackend } from "${PACKAGES}backend-local/dist/index.js";
import { createS3Backend } from "${PACKAGES}backend-s3/dist/index.js";
const storage = new Storage(${backend});
process.stdout.write("ready");
for (let v = 1; ; v++) {
  const n = 1 + (v % 50);
  const rows = Array.from({ length: n }, () => ({ v, n }));
  await storage.write("raw/g", rows, partition({ w: v % 3 }), { overwrite: true, onConflict: "retry" });
  await new Promise((resolve) => setTimeout(resolve, Math.random() * ${mostPauseMs}));
}`;

/** @returns {Promise<Row[]>} */
export async function run({ seconds, seed }) {
  const folder = await mkdtemp(join(tmpdir(), "parquetry-attack-sql-"));
  const root = join(folder, "data");
  const cache = join(folder, "cache");
  await mkdir(root);
  const server = await startS3Server({ buckets: ["football"] });
  const { endpoint, credentials } = server;
  const s3 = { bucket: "football", endpoint, credentials, forcePathStyle: true };
  const local = new Storage(await createLocalBackend({ root }));
  const remote = new Storage(createS3Backend(s3));
  const localBackend = `await createLocalBackend({ root: ${JSON.stringify(root)} })`;
  try {
    return [
      await besideWriter("a directory", local, localBackend, cache, seconds / 3, seed),
      await besideWriter("S3", remote, `createS3Backend(${JSON.stringify(s3)})`, cache, seconds / 3, seed),
      await deadlines(local, cache, seconds / 3),
    ];
  } finally {
    await local.close();
    await remote.close();
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function besideWriter(where, storage, backend, cacheDirectory, seconds, seed) {
  for (const w of [0, 1, 2]) await storage.write("raw/g", [{ v: 0, n: 1 }], partition({ w }));
  const violations = [];
  let trials = 0;
  const mostPauseMs = [0, 10, 50, 200][seed % 4];
  const child = spawn(process.execPath, ["--input-type=module", "-e", writer(backend, mostPauseMs)], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  const warm = await openQuery(storage, { cacheDirectory });
  const end = performance.now() + seconds * 1000;
  do {
    const isFresh = trials % 4 === 3;
    const db = isFresh ? await openQuery(storage, { cacheDirectory, isolate: trials % 8 === 3 }) : warm;
    trials++;
    try {
      const { rows } = await db.sql(
        "SELECT w, count(*) AS found, min(n) AS n, count(DISTINCT v) AS versions FROM g GROUP BY w",
      );
      const isWhole = rows.every(({ found, n, versions }) => versions === 1 && found === n);
      if (!isWhole || rows.length !== 3) violations.push(`trial ${trials}: ${JSON.stringify(rows)}`);
    } catch (error) {
      violations.push(`trial ${trials}: ${error.code} ${error.message}`);
    }
    if (isFresh) await db.close();
  } while (performance.now() < end);
  await warm.close();
  child.kill("SIGKILL");
  await once(child, "exit");
  return {
    check: `a query beside a writer in ${where} answers with one version of every partition`,
    trials,
    violations,
    note: `a commit every 0 to ${mostPauseMs} ms`,
  };
}

async function deadlines(storage, cacheDirectory, seconds) {
  const violations = [];
  let trials = 0;
  let latest = 0;
  const end = performance.now() + seconds * 1000;
  const db = await openQuery(storage, { cacheDirectory, memoryLimit: "1GB" });
  await db.sql("SELECT 1");
  do {
    for (const [name, sql] of Object.entries(LONG)) {
      trials++;
      let late = Number.POSITIVE_INFINITY;
      // A machine that is busy with other work is late now and then, but not with the same statement each time.
      for (let attempt = 0; attempt < 3 && late > LATE_MS; attempt++) {
        const started = performance.now();
        await db.sql(sql, [], { timeoutMs: TIMEOUT_MS }).catch(() => {});
        late = Math.min(late, performance.now() - started - TIMEOUT_MS);
      }
      latest = Math.max(latest, late);
      if (late > LATE_MS) violations.push(`${name}: ${Math.round(late)} ms late`);
    }
  } while (performance.now() < end);
  await db.close();
  return {
    check: `a query ends within ${LATE_MS} ms of its timeout`,
    trials,
    violations,
    note: `at most ${Math.round(latest)} ms late`,
  };
}
