// The main job, end to end, on real data: writes three million flights as a partitioned table to local disk, moves it to an
// S3 server with the parquetry command, verifies it, and runs the same query on both sides.
// Everything happens in a temporary directory, which is removed at the end.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startS3Server } from "@parquetry/testkit";
import { getStorage, openBackend, openQuery, partition, Storage } from "parquetry";

const ENTITY = "raw/flights";
const QUESTION = `
  SELECT origin, count(*) AS late, round(avg(delay), 1) AS avg_delay, max(delay) AS worst
  FROM flights
  WHERE year = 2001 AND month = 3 AND day BETWEEN 5 AND 11 AND delay > 15
  GROUP BY origin
  ORDER BY late DESC, origin
  LIMIT 8`;

const require = createRequire(import.meta.url);
const startedAt = Date.now();
const work = await mkdtemp(join(tmpdir(), "parquetry-demo-"));
// Hides the AWS SDK's notice about Node 20, which the version used here still supports.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

function heading(number, text) {
  console.log(`\n${number}. ${text}\n`);
}

/** Yields the rows of the source file day by day. The file is sorted by date, so only one day is in memory. */
async function* days(storage, file) {
  let day;
  let rows = [];
  for await (const batch of storage.scanParquet(file)) {
    for (const row of batch) {
      const of = row.date.toISOString().slice(0, 10);
      if (of !== day && rows.length > 0) {
        yield { day, rows };
        rows = [];
      }
      day = of;
      rows.push(row);
    }
  }
  yield { day, rows };
}

async function writeFlights(root) {
  // The package exports only its main file; the data is next to it.
  const datasets = join(dirname(require.resolve("vega-datasets")), "..", "data");
  // Read a copy: package managers hard-link their files, and a new link elsewhere looks like a change during the read.
  const download = join(work, "download");
  await mkdir(download);
  await copyFile(join(datasets, "flights-3m.parquet"), join(download, "flights-3m.parquet"));
  const source = new Storage(await openBackend(download));
  const storage = await getStorage({ env: { PARQUETRY_DATA_ROOT: root } });
  let flights = 0;
  let partitions = 0;
  for await (const { day, rows } of days(source, "flights-3m.parquet")) {
    const [year, month, date] = day.split("-").map(Number);
    flights += await storage.write(ENTITY, rows, partition({ year, month, day: date }));
    partitions++;
    if (process.stderr.isTTY) process.stderr.write(`\r${flights} flights, ${partitions} partitions `);
  }
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  return { flights, partitions };
}

/** Runs the parquetry command as a user does. */
async function parquetry(env, ...args) {
  console.log(`$ parquetry ${args.join(" ")}`);
  const command = join(dirname(require.resolve("parquetry/package.json")), "dist", "bin", "parquetry.js");
  const child = spawn(process.execPath, [command, ...args], {
    cwd: work,
    env: { ...process.env, ...env },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`parquetry ${args[0]} ended with exit code ${code}`);
  console.log();
}

/** Runs the query and prints how much it read. */
async function ask(env, partitions) {
  const storage = await getStorage({ env });
  const db = await openQuery(storage, { cacheDirectory: join(work, "cache") });
  const { rows, stats } = await db.sql(QUESTION);
  await db.close();
  await storage.close();
  const [table] = stats.tables;
  console.log(
    `${storage.root().replace(work, "…").padEnd(22)} read ${table.partitions} of ${partitions} partitions: ` +
      `${table.files} files, ${(table.bytes / 1e6).toFixed(1)} MB, ${stats.listRequests} listings`,
  );
  return { rows, stats };
}

function printTable(rows) {
  const names = Object.keys(rows[0]);
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name])))];
  const widths = names.map((_, i) => Math.max(...cells.map((line) => line[i].length)));
  for (const line of cells) console.log(`  ${line.map((cell, i) => cell.padStart(widths[i])).join("  ")}`);
}

let server;
try {
  const root = join(work, "data");
  await mkdir(root);

  heading(1, "Three million US flights of 2001 become a table, one partition a day");
  const { flights, partitions } = await writeFlights(root);
  console.log(`${flights} flights in ${partitions} partitions: ${ENTITY}/year=2001/month=1/day=1/…`);
  assert.deepEqual({ flights, partitions }, { flights: 3_000_000, partitions: 182 });

  heading(2, "An S3 server starts, and the parquetry command moves the table there");
  server = await startS3Server({ buckets: ["flights"] });
  const local = { PARQUETRY_DATA_ROOT: root };
  const cloud = {
    PARQUETRY_STORAGE_BACKEND: "s3",
    PARQUETRY_S3_BUCKET: "flights",
    PARQUETRY_S3_ENDPOINT: server.endpoint,
    AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
  };
  await parquetry({ ...local, ...cloud }, "plan");
  await parquetry({ ...local, ...cloud }, "migrate", "--quiet");
  await parquetry({ ...local, ...cloud }, "verify");

  heading(3, "One question, asked on both sides: late flights of one week of March");
  const here = await ask(local, partitions);
  const there = await ask({ ...local, ...cloud }, partitions);
  assert.deepEqual(there.rows, here.rows, "both sides give the same answer");
  assert.ok(here.rows.length > 0, "there is an answer");
  assert.equal(here.stats.tables[0].partitions, 7, "seven days were read");
  assert.equal(there.stats.tables[0].partitions, 7, "seven days were read");
  console.log();
  printTable(there.rows);
  console.log("\nBoth answers are equal.");
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  await server?.close();
  await rm(work, { recursive: true, force: true });
}
console.log(
  `\n${process.exitCode === 1 ? "Failed" : "Done"} in ${((Date.now() - startedAt) / 1000).toFixed(0)} s. Nothing was left behind.`,
);
