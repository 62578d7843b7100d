import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { createLocalBackend } from "@parquetry/backend-local";
import { createS3Backend } from "@parquetry/backend-s3";
import { Storage } from "@parquetry/core";
import { mapConcurrent } from "@parquetry/core/unstable";
import { openQuery } from "@parquetry/query";
import { registerTable, TrinoClient, trino } from "@parquetry/trino";
import { startTrino } from "../scripts/trino/start-trino.mjs";
import { DownloadError, VERSION } from "../scripts/trino/trino-files.mjs";
import { startS3Process } from "./s3-process.mjs";

const ROUNDS = Number(process.env.PARQUETRY_BENCH_ROUNDS ?? 5);
/** 148 give 26,640 files: 12 seasons of 15 weeks. Use fewer for a short run. */
const GAMES = Number(process.env.PARQUETRY_BENCH_GAMES ?? 148);
const [SEASONS, WEEKS, BUCKET] = [12, 15, "lake"];

const FLIGHTS = {
  day: "SELECT origin, count(*) AS n, avg(delay) AS delay FROM flights WHERE year = 2001 AND month = 3 AND day = 5 GROUP BY origin ORDER BY origin",
  month:
    "SELECT day, count(*) AS n, max(delay) AS worst FROM flights WHERE year = 2001 AND month = 3 GROUP BY day ORDER BY day",
  join: "SELECT count(*) AS n FROM flights a JOIN flights b ON a.id = b.id WHERE a.month = 2 AND b.month = 2",
  full: "SELECT origin, count(*) AS n, sum(delay) AS delay FROM flights GROUP BY origin ORDER BY origin",
};
const SUM = "SELECT count(*) AS n, sum(yards) AS yards FROM plays";
const PLAYS = {
  week: `${SUM} WHERE year = 2024 AND week = 5`,
  "six weeks": `${SUM} WHERE year = 2024 AND week BETWEEN 3 AND 8`,
  season: `${SUM} WHERE year = 2024`,
  full: SUM,
};

/** Runs the same SQL here and on Trino, over an S3 server on this machine: 3 million flights, and a tree of many small files. */
export async function benchEngines(work) {
  const server = await startS3Process(BUCKET);
  const { endpoint, region, credentials } = server;
  const running = await startTrino(join(work, "trino"), { hive: { endpoint, region, credentials } }).catch(
    (error) => {
      if (!(error instanceof DownloadError)) throw error;
      console.log(`\nSKIPPED: Trino: ${error.message}`);
    },
  );
  if (running === undefined) return server.close();
  const storage = new Storage(createS3Backend({ bucket: BUCKET, endpoint, region, credentials }));
  try {
    const connection = { url: running.url, catalog: "hive", schema: "lake" };
    const client = new TrinoClient(connection);
    await client.rows("CREATE SCHEMA hive.lake");
    // A scan of all small files is longer than a statement may be. These files have no manifest, so that all of them are committed.
    const engine = trino({ ...connection, beyondQueryLength: "plain" });
    const databases = {
      DuckDB: await openQuery(storage, { cacheDirectory: join(work, "cache") }),
      Trino: await openQuery(storage, { engine }),
    };
    const register = async (table) => {
      databases.DuckDB.refresh();
      const startedAt = performance.now();
      const description = await databases.DuckDB.describe(table);
      const { added, unchanged, differences } = await registerTable(client, storage.backend, description, {
        check: true,
      });
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(
        `\nregister --check ${table}: ${added.length} partitions added, ${unchanged} unchanged, ${differences.length} differences, ${seconds} s`,
      );
    };
    await putFlights(work, storage);
    await register("flights");
    await race("3 million flights in 181 partitions", FLIGHTS, databases);
    await putPlays(storage);
    await register("plays");
    const files = SEASONS * WEEKS * GAMES;
    await race(`${files} files of plays in ${SEASONS * WEEKS} partitions`, PLAYS, databases);
    const startedAt = performance.now();
    await databases.DuckDB.compact("plays");
    console.log(`\ncompact: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    await register("plays");
    await race("The same after compact", PLAYS, databases);
    for (const db of Object.values(databases)) await db.close();
  } finally {
    await storage.close();
    await running.stop();
    await server.close();
  }
}

async function putFlights(work, storage) {
  const root = join(work, "flights");
  await mkdir(root);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  // One file per partition.
  await connection.run("SET threads = 1; SET partitioned_write_max_open_files = 1000");
  await connection.run(`COPY (
    SELECT i AS id, (i * 37 % 240 - 30)::INTEGER AS delay, (i * 7919 % 2500 + 100)::INTEGER AS distance,
      'A' || (i % 200) AS origin, 'A' || (i * 31 % 200) AS destination, year(d) AS year, month(d) AS month, day(d) AS day
    FROM (SELECT i, DATE '2001-01-01' + (i % 181)::INTEGER AS d FROM range(3000000) t(i)))
    TO '${root}/flights' (FORMAT parquet, PARTITION_BY (year, month, day))`);
  connection.closeSync();
  instance.closeSync();
  const from = await createLocalBackend({ root });
  for await (const { objects } of from.list())
    await mapConcurrent(objects, 8, async ({ key }) => {
      const { body } = await from.get(key);
      await storage.backend.put(key, await body.bytes());
    });
}

/** Puts one file for each game. Those of one week are equal. */
async function putPlays(storage) {
  const weeks = Array.from({ length: SEASONS * WEEKS }, (_, i) => [
    2013 + Math.floor(i / WEEKS),
    1 + (i % WEEKS),
  ]);
  await mapConcurrent(weeks, 4, async ([year, week]) => {
    const rows = Array.from({ length: 150 }, (_, play) => ({ play, yards: (play * week) % 23 }));
    const folder = `raw/plays/year=${year}/week=${week}`;
    await storage.writeParquet(`${folder}/0.parquet`, rows);
    const { body } = await storage.backend.get(`${folder}/0.parquet`);
    const bytes = await body.bytes();
    const others = Array.from({ length: GAMES - 1 }, (_, i) => `${folder}/${i + 1}.parquet`);
    await mapConcurrent(others, 8, (key) => storage.backend.put(key, bytes));
  });
}

/** Prints the median of each query on each engine. They run in turns, and their rows must be equal. */
async function race(title, queries, databases) {
  console.log(
    `\n${title}, Trino ${VERSION} on the same machine (median of ${ROUNDS}, after one run that fills the cache)\n`,
  );
  console.log("| query | files | DuckDB ms | Trino ms | times DuckDB | of it planning | exact |");
  console.log("| --- | --- | --- | --- | --- | --- | --- |");
  for (const [name, sql] of Object.entries(queries)) {
    const runs = { DuckDB: [], Trino: [] };
    let answer;
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [engine, db] of Object.entries(databases)) {
        const startedAt = performance.now();
        const { rows, stats } = await db.sql(sql);
        const ms = performance.now() - startedAt;
        const text = JSON.stringify(rows, (_, value) => (typeof value === "bigint" ? Number(value) : value));
        answer ??= text;
        if (text !== answer) throw new Error(`${sql}: ${engine} has other rows`);
        if (round > 0) runs[engine].push({ ms, stats });
      }
    }
    const middle = (engine) => runs[engine].sort((a, b) => a.ms - b.ms)[Math.floor(ROUNDS / 2)];
    const [here, there] = [middle("DuckDB"), middle("Trino")];
    const files = there.stats.tables.reduce((sum, table) => sum + table.files, 0);
    const exact = there.stats.inexact === undefined ? "yes" : "no";
    console.log(
      `| ${name} | ${files} | ${here.ms.toFixed(0)} | ${there.ms.toFixed(0)} | ${(there.ms / here.ms).toFixed(1)} | ${there.stats.planMs.toFixed(0)} | ${exact} |`,
    );
  }
}
