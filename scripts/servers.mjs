// Runs the conformance suite against third-party S3 servers: starts each on a free port of 127.0.0.1, runs
// packages/backend-s3/test/servers.test.ts and the queries of packages/query, and stops them. `pnpm test:servers`, or only some:
// `pnpm test:servers radosgw`. A server that cannot be started is named; with CI=true that is a failure.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { CREDENTIALS, createBucket } from "./servers/create-bucket.mjs";
import { miniflare } from "./servers/miniflare.mjs";
import { minio } from "./servers/minio.mjs";
import { radosgw } from "./servers/radosgw.mjs";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const SERVERS = [radosgw, miniflare, minio];
const BUCKET = "conformance";

const wanted = process.argv.slice(2);
const work = await mkdtemp(join(tmpdir(), "parquetry-servers-"));
const running = [];
const missing = [];

async function startServer(server) {
  if (!(await server.isAvailable())) throw new Error(`not installed; needs ${server.need}`);
  const dir = join(work, server.name);
  await mkdir(dir);
  const {
    endpoint,
    stop,
    hasBucket = false,
  } = await server.start(dir, {
    bucket: BUCKET,
    credentials: CREDENTIALS,
  });
  running.push({ ...server, endpoint, stop });
  if (!hasBucket) await createBucket(endpoint, BUCKET);
  console.log(`${server.name} listens on ${endpoint}`);
}

function runSuite(folder) {
  const servers = running.map(({ name, profile, endpoint }) => ({
    ...{ name, profile, endpoint, bucket: BUCKET },
    ...CREDENTIALS,
  }));
  const vitest = join(ROOT, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", "--config", "vitest.servers.config.ts"], {
    cwd: join(ROOT, "packages", folder),
    stdio: "inherit",
    env: { ...process.env, PARQUETRY_TEST_SERVERS: JSON.stringify(servers) },
  });
  return new Promise((resolve) => child.once("exit", (status) => resolve(status === 0)));
}

let ok = true;
try {
  for (const server of SERVERS) {
    if (wanted.length > 0 && !wanted.includes(server.name)) continue;
    try {
      await startServer(server);
    } catch (error) {
      missing.push(`${server.name}: ${error.message}`);
    }
  }
  if (running.length > 0) {
    // Both wait for the servers most of the time, and have their own prefixes in the bucket.
    ok = (await Promise.all([runSuite("backend-s3"), runSuite("query")])).every(Boolean);
  }
} finally {
  for (const { stop } of running) await stop();
  await rm(work, { recursive: true, force: true });
}

if (missing.length > 0) {
  console.error(`\n${"!".repeat(80)}`);
  for (const line of missing) console.error(`NOT TESTED against ${line}`);
  console.error("!".repeat(80));
  if (process.env.CI) ok = false;
}
process.exitCode = ok ? 0 : 1;
