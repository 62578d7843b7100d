import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { promisify } from "node:util";
import { startS3Server } from "@parquetry/testkit";

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-programs-"));
});
after(() => rm(folder, { recursive: true, force: true }));

/** Runs a program of this folder, and returns what it prints. */
async function run(program, { data = program, args = [], env = {} } = {}) {
  const root = join(folder, data);
  await mkdir(root, { recursive: true });
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, program), root, ...args],
    {
      env: { ...process.env, ...env, NODE_NO_WARNINGS: "1" },
    },
  );
  return stdout;
}

it("writes, replaces, adds and reads partitions", async () => {
  const printed = await run("partitions.mjs");
  assert.match(printed, /home: 'Tulane', points: 34/);
  assert.match(printed, /home: 'Navy', points: 21/);
  assert.doesNotMatch(printed, /points: 31|Rice/);
});

it("computes features, twice with the same result", async () => {
  for (let i = 0; i < 2; i++) assert.equal(await run("feature-pipeline.mjs"), "240 rows in 4 partitions\n");
});

it("reads five of fifty partitions for a question about half a season", async () => {
  assert.match(await run("sql-pruning.mjs"), /Navy.*Rice.*Tulane.*read 5 of 50 partitions/s);
});

it("runs as CommonJS", async () => {
  assert.equal(await run("require.cjs"), "Rice, Navy\n");
});

it("migrates from code, reports each file, and verifies", async () => {
  const data = "to-migrate";
  await run("partitions.mjs", { data });
  const server = await startS3Server({ buckets: ["football"] });
  const { accessKeyId, secretAccessKey } = server.credentials;
  try {
    const env = {
      PARQUETRY_S3_ENDPOINT: server.endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: server.region,
    };
    const printed = await run("migrate-with-progress.mjs", { data, args: ["s3://football"], env });
    assert.match(printed, /1: raw\/games\/year=2024\//);
    assert.match(printed, /5 files copied, complete/);
    assert.match(printed, /raw: local=5 cloud=5 missing=0 extra=0 differing=0 unverifiable=0/);
  } finally {
    await server.close();
  }
});
