import { execFile } from "node:child_process";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { promisify } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { encodeParquet, inferColumns, partition, Storage } from "@parquetry/core";
import { startS3Server } from "@parquetry/testkit";
import { compare } from "./measure.mjs";

const GAMES = 20;
const SEASON = 200;
const LATENCY_MS = 30;

/** One game of the first user: 165 plays of 63 columns, a third each of integers, decimals and text. */
function game(id) {
  return Array.from({ length: 165 }, (_, play) => {
    const row = {};
    for (let c = 0; c < 21; c++) row[`i${c}`] = play * c + id;
    for (let c = 0; c < 21; c++) row[`d${c}`] = (play * c) / 7;
    for (let c = 0; c < 21; c++) row[`t${c}`] = c % 2 === 0 ? `team ${play % 2}` : null;
    return row;
  });
}

/** A Python with pyarrow that does each of its jobs as often as it is asked, or undefined where there is none. */
async function openPyarrow(work, rows) {
  const python = process.env.PARQUETRY_PYTHON ?? "python3";
  const file = join(work, "game.json");
  await writeFile(file, JSON.stringify(rows));
  const program = `
import io, json, sys, time
import pyarrow as pa, pyarrow.parquet as pq
rows = json.load(open(sys.argv[1]))
def write():
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()
data = write()
jobs = {"write": write, "read": lambda: pq.read_table(io.BytesIO(data)).to_pylist()}
job = jobs[sys.argv[2]]
for _ in range(5): job()
started = time.perf_counter()
for _ in range(${GAMES}): job()
print((time.perf_counter() - started) * 1000)`;
  const run = async (job) => Number((await promisify(execFile)(python, ["-c", program, file, job])).stdout);
  try {
    await promisify(execFile)(python, ["-c", "import pyarrow"]);
  } catch {
    console.log(`\n(no pyarrow in ${python}; set PARQUETRY_PYTHON to a Python that has it)`);
    return undefined;
  }
  return run;
}

/** Encoding and decoding one game in memory, beside pyarrow's from_pylist + write and read + to_pylist. */
async function benchCodec(work, rows) {
  const bytes = encodeParquet(rows, inferColumns(rows));
  const file = { name: "game.parquet", bytes };
  const storage = new Storage(await createLocalBackend({ root: work }));
  await storage.writeParquet(file.name, rows);
  const encode = async () => {
    for (let i = 0; i < GAMES; i++) encodeParquet(rows, inferColumns(rows));
  };
  const decode = async () => {
    for (let i = 0; i < GAMES; i++) await storage.readParquet(file.name);
  };
  const pyarrow = await openPyarrow(work, rows);
  console.log(`\n${GAMES} games of 165 rows and 63 columns in one process each, median of 5, ms\n`);
  console.log("| | rows to Parquet | Parquet to rows | bytes |\n| --- | --- | --- | --- |");
  const times = { ours: [[], []], pyarrow: [[], []] };
  for (let round = 0; round < 6; round++) {
    for (const [i, job] of [encode, decode].entries()) {
      const started = performance.now();
      await job();
      // The first round warms up.
      if (round > 0) times.ours[i].push(performance.now() - started);
    }
    if (pyarrow === undefined || round === 0) continue;
    for (const [i, job] of ["write", "read"].entries()) times.pyarrow[i].push(await pyarrow(job));
  }
  const median = (all) => (all.length === 0 ? "-" : all.sort((a, b) => a - b)[all.length >> 1].toFixed(0));
  for (const [name, [write, read]] of Object.entries(times)) {
    console.log(
      `| ${name} | ${median(write)} | ${median(read)} | ${name === "ours" ? bytes.byteLength : ""} |`,
    );
  }
}

/** Many partitions in S3 with the latency of a network: bounded by the round trips, not by us. */
async function benchSeason(rows) {
  const server = await startS3Server({
    buckets: ["bench"],
    faults: [{ fault: { kind: "latency", ms: LATENCY_MS } }],
  });
  const { endpoint, credentials } = server;
  const storage = new Storage(createS3Backend({ bucket: "bench", endpoint, credentials }));
  let round = 0;
  await compare(
    `A season of ${SEASON} new partitions in S3, ${LATENCY_MS} ms away`,
    {
      "ours, 8 at once": async () => {
        const entity = `eight/${round++}`;
        function* season() {
          for (let id = 0; id < SEASON; id++) yield { partition: partition({ id }), rows };
        }
        await storage.replacePartitions(entity, season(), { concurrency: 8 });
        return `${SEASON} commits of 1 LIST and 2 PUT`;
      },
      "ours, 32 at once": async () => {
        const entity = `many/${round++}`;
        function* season() {
          for (let id = 0; id < SEASON; id++) yield { partition: partition({ id }), rows };
        }
        await storage.replacePartitions(entity, season(), { concurrency: 32 });
        return "";
      },
    },
    { rounds: 3 },
  );
  await storage.close();
  await server.close();
}

/** Writing and reading one game's partition, beside DuckDB doing the same from and to JavaScript rows. */
export async function benchTables(work) {
  const rows = game(1);
  await benchCodec(work, rows);
  const storage = new Storage(await createLocalBackend({ root: work }));
  const connection = await (await DuckDBInstance.create(":memory:")).connect();
  const json = join(work, "rows.json");
  const file = join(work, "duckdb.parquet");

  await compare("One game (165 rows, 63 columns): rows to a file", {
    "ours, bytes only": async () => {
      for (let i = 0; i < GAMES; i++) encodeParquet(rows, inferColumns(rows));
      return `${GAMES} games`;
    },
    "ours, committed partition": async () => {
      for (let i = 0; i < GAMES; i++) {
        await storage.write("raw/games", rows, partition({ game: i }), { overwrite: true });
      }
      return `${GAMES} games, synced to disk, with manifest`;
    },
    "DuckDB, from JSON": async () => {
      for (let i = 0; i < GAMES; i++) {
        await writeFile(json, JSON.stringify(rows));
        await connection.run(`COPY (FROM read_json('${json}')) TO '${file}' (FORMAT parquet)`);
      }
      return `${GAMES} games, not synced`;
    },
  });

  await compare(`${GAMES} games: files to rows`, {
    "ours, readIndex": async () => `${(await storage.readIndex("raw/games")).length} rows`,
    "ours, 2 of 63 columns": async () =>
      `${(await storage.readIndex("raw/games", {}, { columns: ["i1", "d1"] })).length} rows`,
    "ours, untrusted": async () =>
      `${(await storage.readIndex("raw/games", {}, { untrusted: true })).length} rows`,
    "DuckDB, glob, getRowObjectsJS": async () => {
      const reader = await connection.runAndReadAll(
        `FROM read_parquet('${work}/raw/games/**/*.parquet', hive_partitioning = true)`,
      );
      return `${reader.getRowObjectsJS().length} rows`;
    },
  });
  connection.closeSync();
  await readFile(file).then(() => rm(file));
  await benchSeason(rows);
}
