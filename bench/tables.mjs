import { execFile } from "node:child_process";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { promisify } from "node:util";
import { createS3Backend } from "@parquetry/backend-s3";
import { createMemoryBackend, partition, Storage } from "@parquetry/core";
import { compare } from "./measure.mjs";
import { startServer } from "./migrate/start-server.mjs";
import { GAMES, game, season } from "./tables/rows.mjs";

const run = promisify(execFile);
const HERE = join(import.meta.dirname, "tables");
const LATENCY_MS = 30;

/** The jobs, in an order that writes files before they are read. */
const JOBS = {
  "game-write": "one game, 165 × 63: rows to Parquet in memory",
  "game-read": "the same: Parquet in memory to rows",
  "game-columns": "the same: 2 of 63 columns to rows",
  "games-write": `${GAMES} games: rows to partitions on disk`,
  "season-write": `${GAMES} games in one array: rows to partitions on disk by one call`,
  "games-read": `${GAMES} games: partitions on disk to rows`,
  "wide-write": "1,000,000 × 20: rows to one file",
  "wide-read": "1,000,000 × 20: one file to rows",
  "wide-columns": "1,000,000 × 20: 2 columns to rows",
  "nested-write": "2,556 × 248 structs and lists: rows to one file",
  "nested-read": "the same: one file to rows",
};

/** Returns the contenders; each job runs in a separate process. */
async function contenders() {
  const node = (name) => (job, folder) =>
    run(process.execPath, ["--max-old-space-size=6144", join(HERE, "contender.mjs"), name, job, folder]);
  const all = { ours: node("ours"), duckdb: node("duckdb"), "parquet-wasm": node("parquet-wasm") };
  const python = process.env.PARQUETRY_PYTHON ?? "python3";
  try {
    await run(python, ["-c", "import pyarrow"]);
  } catch {
    console.log(`\n(no pyarrow in ${python}; set PARQUETRY_PYTHON to a Python that has it)`);
    return all;
  }
  return { ...all, pyarrow: (job, folder) => run(python, [join(HERE, "contender.py"), job, folder]) };
}

/** Compares encoding, decoding, projection and partitions with pyarrow, DuckDB and parquet-wasm. */
async function benchPeers(work) {
  const who = await contenders();
  for (const [job, title] of Object.entries(JOBS)) {
    console.log(`\n${title}\n\n| | ms | best ms | peak MiB | |\n| --- | --- | --- | --- | --- |`);
    for (const [name, start] of Object.entries(who)) {
      try {
        const result = JSON.parse((await start(job, work)).stdout);
        if (result === null) continue;
        const { ms, bestMs, peakMiB, note } = result;
        console.log(
          `| ${name} | ${ms.toFixed(1)} | ${bestMs.toFixed(1)} | ${peakMiB.toFixed(0)} | ${note} |`,
        );
      } catch (error) {
        console.log(`| ${name} | failed | | | ${String(error.message).split("\n").at(-2) ?? ""} |`);
      }
    }
  }
}

/**
 * Measures many partitions in S3 with the latency of a network, and the same calls in memory, whose processor time is what
 * encoding and decoding take. The server runs in a separate process.
 */
async function benchSeason() {
  const server = await startServer();
  await server.latency(LATENCY_MS);
  const { endpoint, credentials } = server;
  const rows = game(1);
  const allRows = season();
  const inMemory = new Storage(createMemoryBackend());
  let round = 0;

  /** Runs a job, and returns the milliseconds of processor time and of the clock. */
  const timed = async (job) => {
    const before = process.cpuUsage();
    const startedAt = performance.now();
    await job();
    const { user, system } = process.cpuUsage(before);
    return { ms: performance.now() - startedAt, cpuMs: (user + system) / 1000 };
  };
  const ofProcessor = (cpuMs) => `${(cpuMs / GAMES).toFixed(2)} CPU-ms a partition`;
  const overNetwork = async (roundTrips, concurrency, job) => {
    const storage = new Storage(createS3Backend({ bucket: "bench", endpoint, credentials }));
    await server.counts();
    const { ms, cpuMs } = await timed(() => job(storage));
    await storage.close();
    const requests = Object.values(await server.counts()).reduce((sum, count) => sum + count, 0);
    const least = (GAMES * roundTrips * LATENCY_MS) / concurrency;
    return `${requests} requests; ${(ms / least).toFixed(2)} × the ${least.toFixed(0)} ms of ${roundTrips} round trips each, ${concurrency} concurrent; ${ofProcessor(cpuMs)}`;
  };
  const memory = async (job) => ofProcessor((await timed(() => job(inMemory))).cpuMs);

  const write = (concurrency) => () =>
    overNetwork(3, concurrency, (storage) => {
      function* games() {
        for (let id = 0; id < GAMES; id++) yield { partition: partition({ id }), rows };
      }
      return storage.replacePartitions(`season/${concurrency}-${round++}`, games(), { concurrency });
    });
  const writeBatch = (storage) =>
    storage.writePartitions(`season/batch-${round++}`, allRows, { by: ["id"], concurrency: 32 });
  const read = (storage) => storage.readIndex("season/read");
  const prepare = (storage) => storage.writePartitions("season/read", allRows, { by: ["id"] });
  await prepare(inMemory);
  await overNetwork(3, 32, prepare);

  await compare(
    `${GAMES} partitions in S3, ${LATENCY_MS} ms away`,
    {
      "write, 8 concurrent": write(8),
      "write, 32 concurrent": write(32),
      "writePartitions, 32 concurrent": () => overNetwork(3, 32, writeBatch),
      "writePartitions, in memory": () => memory(writeBatch),
      readIndex: () => overNetwork(2, 16, read),
      "readIndex, in memory": () => memory(read),
    },
    { rounds: 1 },
  );
  await server.close();
}

/** Compares tables with their peers, then over a network. `PARQUETRY_BENCH=season` runs only the latter. */
export async function benchTables(work) {
  if (process.env.PARQUETRY_BENCH !== "season") await benchPeers(work);
  await benchSeason();
}
