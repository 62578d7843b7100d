import { execFile } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { Storage } from "@parquetry/core";
import { mapConcurrent } from "@parquetry/core/unstable";
import { openQuery } from "@parquetry/query";
import { benchCpuPerFile, printCpuHeader } from "./query/cpu-per-file.mjs";
import { findHttpfs, openHttpfs } from "./query/httpfs.mjs";
import { benchLargeObject } from "./query/large-object.mjs";
import { benchWideResult } from "./query/wide-result.mjs";
import { startS3Process } from "./s3-process.mjs";

const SEASONS = 12;
const WEEKS = 15;
/** 148 give 26,640 files. Use fewer for a short run. */
const GAMES = Number(process.env.PARQUETRY_BENCH_GAMES ?? 148);
const ROUNDS = Number(process.env.PARQUETRY_BENCH_ROUNDS ?? 3);
/** A Python with pyarrow, polars and duckdb-extension-httpfs. */
const PYTHON = process.env.PARQUETRY_PYTHON ?? "python3";
const HTTPFS = findHttpfs();
const LATENCIES_MS = [0, 30];
const RANGE = [3, 8];
const BUCKET = "football";
/** The others take minutes there. */
const PYTHON_ON_S3 = ["polars point", "polars full"];

const SUM = "SELECT count(*) AS n, sum(yards) AS yards FROM plays";
const QUESTIONS = {
  point: `${SUM} WHERE year = 2024 AND week = 5`,
  range: `${SUM} WHERE year = 2024 AND week BETWEEN ${RANGE[0]} AND ${RANGE[1]}`,
  join: "SELECT count(*) AS n, sum(p.yards) AS yards FROM plays p JOIN games g ON p.year = g.year AND p.game_id = g.game_id WHERE g.year = 2024 AND p.week = 5",
  full: SUM,
};

/**
 * Runs queries over a tree of small files, local and over S3, cold and warm, with our engine and others. Returns what README.md
 * compares.
 */
export async function benchQuery(work) {
  const root = join(work, "tree");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await makeTree(connection, root);
  const lines = [];
  const speed = [];
  await benchLocal(work, root, connection, lines);
  await benchChoosing(work, root);
  await benchPython(root, lines);
  print(`${SEASONS * WEEKS * GAMES} files on this disk; one week is ${GAMES}`, lines);
  speed.push(...speedOf(lines, "on this disk"));

  await benchWideResult(work, connection, PYTHON);

  const server = await startS3Process(BUCKET);
  try {
    await upload(root, server);
    printCpuHeader();
    await benchCpuPerFile(work, "local", () => createLocalBackend({ root }), SUM);
    await benchCpuPerFile(work, "S3", () => s3Backend(server), SUM);
    for (const latencyMs of LATENCIES_MS) {
      await server.setLatency(latencyMs);
      const remote = [];
      await benchS3(work, server, remote, "ours", {});
      if (HTTPFS === undefined) {
        console.log(
          "\nSKIPPED: DuckDB httpfs. PARQUETRY_PYTHON names no Python with duckdb-extension-httpfs.",
        );
      } else {
        await benchS3(work, server, remote, "ours, httpfs", { remote: "httpfs", httpfsExtension: HTTPFS });
        await benchHttpfs(server, remote);
      }
      await benchPython(`s3://${BUCKET}`, remote, {
        asked: PYTHON_ON_S3,
        rounds: 2,
        env: environmentOf(server),
      });
      print(`The same over S3, ${latencyMs} ms before each answer`, remote);
      speed.push(...speedOf(remote, `on S3, ${latencyMs} ms away`));
    }
    await benchLargeObject(work, connection, server, () => s3Backend(server), HTTPFS);
  } finally {
    await server.close();
  }
  connection.closeSync();
  instance.closeSync();
  return { speed };
}

/** The first time and the later ones of the queries that a user compares. */
function speedOf(lines, place) {
  const files = (SEASONS * WEEKS * GAMES).toLocaleString("en");
  const works = { point: `one week of ${files} files`, full: `all of ${files} files` };
  return Object.entries(works).flatMap(([question, work]) =>
    [true, false].map((cold) => {
      const found = lines.filter((line) => line.question === question && line.cold === cold);
      const names = [...new Set(found.map(({ name }) => name))];
      const timeOf = (name) => median(found.filter((line) => line.name === name)) / 1000;
      return {
        work: `query ${work} ${place}, ${cold ? "first" : "again"}`,
        seconds: Object.fromEntries(names.map((name) => [name, timeOf(name)])),
      };
    }),
  );
}

async function makeTree(connection, root) {
  // One file per partition: with several threads, or partitions closed too early, DuckDB writes several.
  await connection.run("SET threads = 1; SET partitioned_write_max_open_files = 1000");
  await mkdir(join(root, "raw", "plays"), { recursive: true });
  await mkdir(join(root, "raw", "games"), { recursive: true });
  await connection.run(`CREATE TEMP TABLE g AS
    SELECT 2013 + y AS year, w + 1 AS week, y * 100000 + w * 1000 + g AS game_id
    FROM range(${SEASONS}) s(y), range(${WEEKS}) t(w), range(${GAMES}) u(g)`);
  await connection.run(`COPY (SELECT g.*, range AS play, range % 23 AS yards FROM g, range(150)
    ORDER BY year, week, game_id, play)
    TO '${root}/raw/plays' (FORMAT parquet, PARTITION_BY (year, week, game_id))`);
  await connection.run(`COPY (SELECT year, game_id, week % 2 AS home FROM g)
    TO '${root}/raw/games' (FORMAT parquet, PARTITION_BY (year))`);
  await connection.run("RESET threads; RESET partitioned_write_max_open_files");
}

async function benchLocal(work, root, connection, lines) {
  const storage = new Storage(await createLocalBackend({ root }));
  const glob = (entity) => `read_parquet('${root}/raw/${entity}/**/*.parquet', hive_partitioning = true)`;
  for (const [question, sql] of Object.entries(QUESTIONS)) {
    const cacheDirectory = join(work, "cache-local");
    const db = await openQuery(storage, { cacheDirectory });
    const ours = () => ask(db, sql);
    const raw = async () => {
      const text = sql.replace(/\b(plays|games)\b(?= [pg] |$| WHERE)/g, glob);
      return { rows: Number((await connection.runAndReadAll(text)).getRows()[0][0]) };
    };
    // In turns, so that the ratios hold if the machine slows down.
    for (let round = 0; round <= ROUNDS; round++) {
      lines.push({ name: "ours", question, cold: round === 0, ...(await timed(ours)) });
      lines.push({ name: "DuckDB, ** glob", question, cold: round === 0, ...(await timed(raw)) });
    }
    await db.close();
  }
}

/** Measures the choice of partitions, without listing them. */
async function benchChoosing(work, root) {
  const storage = new Storage(await createLocalBackend({ root }));
  const db = await openQuery(storage, { cacheDirectory: join(work, "cache-local") });
  const games = SEASONS * WEEKS * GAMES;
  const asked = [
    [`${SEASONS} + ${WEEKS} (year, week)`, QUESTIONS.point],
    [`${games} (one game)`, `${SUM} WHERE game_id = 1105077`],
    [`${games} (half of them)`, `${SUM} WHERE game_id % 2 = 0`],
    [
      `${games} (one game, by a CTE)`,
      `WITH c AS (FROM plays) ${SUM.replace("plays", "c")} WHERE game_id = 1105077`,
    ],
  ];
  console.log("\nChoice of partitions, without listing (best of 5)\n");
  console.log("| partitions | ms |\n| --- | --- |");
  for (const [partitions, sql] of asked) {
    let best = Number.POSITIVE_INFINITY;
    for (let i = 0; i < 5; i++) best = Math.min(best, (await db.explain(sql)).pruneMs);
    console.log(`| ${partitions} | ${best.toFixed(1)} |`);
  }
  await db.close();
}

async function benchS3(work, server, lines, name, options) {
  for (const [question, sql] of Object.entries(QUESTIONS)) {
    if (question === "full" && name !== "ours") continue;
    const cacheDirectory = join(work, "cache-s3");
    await rm(cacheDirectory, { recursive: true, force: true });
    const storage = new Storage(s3Backend(server));
    const db = await openQuery(storage, { cacheDirectory, ...options });
    await server.counts();
    for (let round = 0; round <= ROUNDS; round++) {
      const found = await timed(() => ask(db, sql));
      lines.push({ name, question, cold: round === 0, ...found, ...(await requests(server)) });
    }
    await db.close();
    await storage.close();
  }
}

/** Skips full scans, which would take an hour because each thread waits for its own requests. */
async function benchHttpfs(server, lines) {
  const glob = (entity) =>
    `read_parquet('s3://${BUCKET}/raw/${entity}/**/*.parquet', hive_partitioning = true)`;
  for (const question of ["point", "range", "join"]) {
    const duckdb = await openHttpfs(HTTPFS, server);
    const sql = QUESTIONS[question].replace(/\b(plays|games)\b(?= [pg] |$| WHERE)/g, glob);
    await server.counts();
    for (let round = 0; round <= 1; round++) {
      const found = await timed(async () => ({ rows: Number((await duckdb.ask(sql))[0][0]) }));
      const name = "DuckDB httpfs, ** glob";
      lines.push({ name, question, cold: round === 0, ...found, ...(await requests(server)) });
    }
    duckdb.close();
  }
}

/** @param root a directory, or `s3://` and a bucket, whose store `env` names. */
async function benchPython(root, lines, { asked, rounds = ROUNDS + 1, env } = {}) {
  const script = new URL("./query/peers.py", import.meta.url).pathname;
  try {
    const args = [script, root, JSON.stringify(RANGE), String(rounds)];
    if (asked !== undefined) args.push(JSON.stringify(asked));
    const options = { maxBuffer: 1 << 24, env: { ...process.env, ...env } };
    const { stdout } = await promisify(execFile)(PYTHON, args, options);
    for (const text of stdout.trim().split("\n")) {
      const line = JSON.parse(text);
      if (line.missing !== undefined) console.log(`\nSKIPPED: ${PYTHON} has no ${line.missing}.`);
      else lines.push(line);
    }
  } catch (error) {
    console.log(`\nSKIPPED: pyarrow and polars: ${error.message.split("\n")[0]}`);
  }
}

async function ask(db, sql) {
  const { rows, stats } = await db.sql(sql);
  return { rows: rows[0].n, planMs: stats.planMs };
}

async function timed(run) {
  const startedAt = performance.now();
  const found = await run();
  return { ms: performance.now() - startedAt, ...found };
}

async function requests(server) {
  const { ListObjectsV2 = 0, GetObject = 0, HeadObject = 0, bytesOut } = await server.counts();
  return { lists: ListObjectsV2, gets: GetObject + HeadObject, bytes: bytesOut };
}

function environmentOf({ endpoint, credentials: { accessKeyId, secretAccessKey }, region }) {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region,
  };
}

function s3Backend({ endpoint, credentials, region }) {
  return createS3Backend({ bucket: BUCKET, endpoint, credentials, region });
}

async function upload(root, server) {
  const from = await createLocalBackend({ root });
  const to = s3Backend(server);
  const keys = [];
  for await (const { objects } of from.list()) for (const { key } of objects) keys.push(key);
  await mapConcurrent(keys, 32, async (key) => {
    const { body } = await from.get(key);
    await to.put(key, await body.bytes());
  });
  await to.close();
}

/** Prints a row for each query and contender: the first run, the median of the others, and the ratio to ours. */
function print(title, lines) {
  console.log(`\n${title} (warm: median of ${ROUNDS})\n`);
  console.log(
    "| question | contender | cold ms | warm ms | times ours | rows | cold LIST/GET | cold bytes | warm LIST/GET |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const question of Object.keys(QUESTIONS)) {
    const own = lines.filter((line) => line.question === question);
    const base = median(own.filter(({ name, cold }) => name === "ours" && !cold));
    for (const name of new Set(own.map((line) => line.name))) {
      const cold = own.find((line) => line.name === name && line.cold);
      const warm = own.filter((line) => line.name === name && !line.cold);
      const ms = median(warm);
      const counted = (line) => (line?.lists === undefined ? "" : `${line.lists}/${line.gets}`);
      console.log(
        `| ${question} | ${name} | ${cold.ms.toFixed(0)} | ${ms.toFixed(0)} | ${(ms / base).toFixed(2)} | ${cold.rows} | ${counted(cold)} | ${cold.bytes ?? ""} | ${counted(warm[0])} |`,
      );
    }
  }
}

function median(lines) {
  const all = lines.map(({ ms }) => ms).sort((a, b) => a - b);
  return all[Math.floor(all.length / 2)];
}
