// Runs the tests in packages/trino/test/engines on a real Trino, which it starts and stops, over each of the named S3 servers:
// `node scripts/engines.mjs testkit`, or over all: `pnpm test:engines`, which runs the tests on Spark, too. Trino's 490 MB are downloaded once. Where that fails, the tests
// are skipped; with PARQUETRY_REQUIRE_TRINO=1 it is a failure. `node scripts/engines.mjs testkit --serve` runs no tests: it prints how to
// reach the servers, and runs until Ctrl-C.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startS3Server } from "../packages/testkit/dist/index.js";
import { CREDENTIALS, createBucket } from "./servers/create-bucket.mjs";
import { radosgw } from "./servers/radosgw.mjs";
import { startTrino } from "./trino/start-trino.mjs";
import { DownloadError } from "./trino/trino-files.mjs";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const [BUCKET, REGION] = ["lake", "us-east-1"];

/** Testkit's own server, in this process. */
const testkit = {
  name: "testkit",
  need: "nothing",
  isAvailable: async () => true,
  async start() {
    const server = await startS3Server({ credentials: CREDENTIALS, region: REGION });
    return { endpoint: server.endpoint, stop: () => server.close() };
  },
};

const serves = process.argv.includes("--serve");
const wanted = process.argv.slice(2).filter((name) => name !== "--serve");
/** Spark takes 20 s to start, and reads this machine's files only. A result of ten million rows takes a minute. */
const isLong = wanted.length === 0;
const servers = [testkit, radosgw].filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const work = await mkdtemp(join(tmpdir(), "parquetry-engines-"));
const running = [];
const missing = [];
const stores = {};
let ok = true;

try {
  for (const server of servers) {
    try {
      if (!(await server.isAvailable())) throw new Error(`not installed; needs ${server.need}`);
      await mkdir(join(work, server.name));
      const { endpoint, stop } = await server.start(join(work, server.name), { credentials: CREDENTIALS });
      running.push(stop);
      await createBucket(endpoint, BUCKET);
      stores[server.name] = { endpoint, region: REGION, bucket: BUCKET, credentials: CREDENTIALS };
    } catch (error) {
      missing.push(`${server.name}: ${error.message}`);
      ok = false;
    }
  }
  const trino = await startTrino(join(work, "trino"), stores).catch((error) => {
    if (!(error instanceof DownloadError) || process.env.PARQUETRY_REQUIRE_TRINO === "1") throw error;
    missing.push(`Trino: ${error.message}`);
  });
  if (trino !== undefined) running.push(trino.stop);
  for (const [name, s3] of Object.entries(stores)) {
    const env = environmentOf(trino, name, s3);
    if (serves)
      for (const [variable, value] of Object.entries(env)) console.log(`export ${variable}='${value}'`);
    else ok = (await runTests(name, env, isLong && name === testkit.name)) && ok;
  }
  if (serves) await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
} finally {
  for (const stop of running.reverse()) await stop();
  await rm(work, { recursive: true, force: true });
}

if (missing.length > 0) {
  console.error(`\n${"!".repeat(80)}`);
  for (const line of missing) console.error(`NOT TESTED with ${line}`);
  console.error("!".repeat(80));
}
process.exitCode = ok ? 0 : 1;

/** The variables by which a test finds Trino and a store. Without a Trino, it is skipped. */
function environmentOf(trino, name, s3) {
  if (trino === undefined) return {};
  const { url, secure, spool, ca } = trino;
  return {
    PARQUETRY_TEST_TRINO: JSON.stringify({ url, secure, catalog: name, s3, spool }),
    NODE_EXTRA_CA_CERTS: ca,
  };
}

function runTests(name, variables, withSpark) {
  console.log(`\nTrino over ${name}`);
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const leftOut = withSpark ? [] : ["--exclude", "test/engines/spark-*"];
  const args = [vitest, "run", "--config", "vitest.engines.config.ts", ...leftOut];
  const child = spawn(process.execPath, args, {
    cwd: join(ROOT, "packages", "trino"),
    stdio: "inherit",
    env: { ...process.env, ...variables, ...(isLong ? { PARQUETRY_TEST_STREAM_ROWS: "10000000" } : {}) },
  });
  return new Promise((resolve) => child.once("exit", (status) => resolve(status === 0)));
}
