// Does one job over a bucket in a separate process, and reports what it cost: `grow-client.mjs JOB ENDPOINT FOLDER`. It waits
// for a message before each step, so that the requests of each can be counted.
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { createS3Backend } from "@parquetry/backend-s3";
import { Storage } from "@parquetry/core";
import { planMigration, verifyMigration } from "@parquetry/migrate-cli";
import { openQuery } from "@parquetry/query";

const [job, endpoint, cacheDirectory] = process.argv.slice(2);
const credentials = { accessKeyId: "key", secretAccessKey: "secret" };
const open = (bucket) => createS3Backend({ bucket, endpoint, credentials });
const [source, target] = [open("source"), open("target")];

const compare = (run) => async () => (await run(source, target)).close();

/** DuckDB runs in this process, so that its time and memory are counted. */
async function* queries() {
  const db = await openQuery(new Storage(source), { cacheDirectory, isolate: false });
  const ask = () =>
    db.sql("SELECT count(*) AS n, sum(yards) AS yards FROM plays WHERE year = 2013 AND week = 5");
  yield ask;
  yield ask;
  await db.close();
}

const JOBS = {
  *plan() {
    yield compare(planMigration);
  },
  *verify() {
    yield compare(verifyMigration);
  },
  query: queries,
};

for await (const step of JOBS[job]()) {
  process.send({});
  await once(process, "message");
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await step();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(before);
  const { maxRSS } = process.resourceUsage();
  process.send({ seconds, cpuSeconds: (user + system) / 1e6, megabytes: maxRSS / 1024 });
  await once(process, "message");
}
await source.close();
await target.close();
process.disconnect();
