// Disturbs migrations in eight ways and verifies parity after each. Needs a build.
// Usage: node soak/migrate.mjs [minutes of kills = 5] [failing|gone|planted|fullDisk|sparse|killed|roundTrip|football]
// Exits with 1 if a file is lost, sent too often, or an upload is left behind. Prints SKIPPED for what cannot run here.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createS3Backend } from "../packages/backend-s3/dist/index.js";
import { abilitiesOf } from "../packages/core/dist/backend.js";
import { startS3Server } from "../packages/testkit/dist/index.js";
import { makeUserTree } from "./make-user-tree.mjs";

const SCRIPT = fileURLToPath(new URL("../packages/migrate-cli/dist/bin/parquetry.js", import.meta.url));
const MINUTES = Number(process.argv[2] ?? 5);
const FILES = 1500;
const KILLS = 100;
const CONCURRENCY = 8;
const LARGE_BYTES = 20_000_000;
const LARGE_PARTS = 3;
const LARGE_PARTS_IN_FLIGHT = 4;
const OUTAGE_MS = 30_000;
const SPARSE_BYTES = 5 * 1024 ** 3;

const work = await mkdtemp(join(tmpdir(), "parquetry-soak-"));
let failed = 0;

function check(what, holds, detail = "") {
  console.log(`${holds ? "ok    " : "FAILED"} ${what}${detail === "" ? "" : `: ${detail}`}`);
  if (!holds) failed++;
}

function start(server, args, env = {}) {
  const { endpoint, credentials } = server;
  const child = spawn(process.execPath, [SCRIPT, ...args], {
    cwd: work,
    env: {
      PATH: process.env.PATH,
      HOME: work,
      PARQUETRY_S3_ENDPOINT: endpoint,
      PARQUETRY_S3_FORCE_PATH_STYLE: "true",
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      said = (said + text).slice(-8000);
    });
  }
  const outcome = once(child, "close").then(([exitCode]) => ({ exitCode, said }));
  return { child, outcome };
}

const run = (server, args, env) => start(server, args, env).outcome;

/** Returns the keys of multipart uploads that were neither completed nor aborted. */
async function unfinished({ endpoint, credentials }) {
  const backend = createS3Backend({ bucket: "soak", endpoint, credentials });
  const keys = [];
  for await (const { key } of abilitiesOf(backend).resumableUploads.list()) keys.push(key);
  await backend.close();
  return keys;
}

async function makeTree(root, files) {
  for (let i = 0; i < files; i++) {
    const path = join(root, "raw", `week=${i % 20}`, `${i}.bin`);
    await mkdir(dirname(path), { recursive: true });
    // One file in a hundred is large enough to be sent in parts.
    await writeFile(path, randomBytes(i % 100 === 7 ? LARGE_BYTES : 200 + randomInt(20_000)));
  }
}

async function expectParity(what, server, places) {
  server.setFaults([]);
  const { exitCode, said } = await run(server, ["verify", "--level", "full", ...places]);
  check(`${what}: parity, read from both sides`, exitCode === 0, exitCode === 0 ? "" : said);
}

async function killed(root, server) {
  const places = ["--from", root, "--to", "s3://soak"];
  server.setFaults([{ fault: { kind: "latency", ms: 20 } }]);
  const endsAt = Date.now() + MINUTES * 60_000;
  let kills = 0;
  for (; kills < KILLS && Date.now() < endsAt; kills++) {
    const before = server.requests.total;
    const { child, outcome } = start(server, ["migrate", "--concurrency", String(CONCURRENCY), ...places]);
    let ended = false;
    outcome.then(() => {
      ended = true;
    });
    const some = randomInt(1, Math.ceil((1.5 * FILES) / KILLS));
    while (!ended && server.requests.total < before + some) await sleep(5);
    await sleep(Math.random() * 30);
    child.kill("SIGKILL");
    if ((await outcome).exitCode === 0) break;
  }
  server.setFaults([]);
  const last = await run(server, ["migrate", ...places]);
  check(
    `kill -9 at ${kills} random instants: the last run finishes`,
    last.exitCode === 0,
    last.exitCode === 0 ? "" : last.said,
  );
  const puts = server.requests.count("PutObject");
  const large = FILES / 100;
  const small = FILES - large;
  check(
    "only small files in flight at a kill are sent again",
    puts <= small + kills * CONCURRENCY,
    `${puts} PUT for ${small} files`,
  );
  const parts = server.requests.count("UploadPart");
  check(
    "only parts in flight at a kill are sent again",
    parts <= large * LARGE_PARTS + kills * CONCURRENCY * LARGE_PARTS_IN_FLIGHT,
    `${parts} parts for ${large} files of ${LARGE_PARTS}`,
  );
  const left = await unfinished(server);
  check("no orphan upload", left.length === 0, left.join(", "));
  await expectParity("after the kills", server, places);
}

async function failing(root, server) {
  const places = ["--from", root, "--to", "s3://soak"];
  server.setFaults([
    { probability: 0.2, seed: 1, fault: { kind: "status", status: 503 } },
    { probability: 0.05, seed: 2, fault: { kind: "reset", when: "before" } },
    { probability: 0.05, seed: 3, fault: { kind: "reset", when: "during" } },
    { probability: 0.05, seed: 4, fault: { kind: "reset", when: "after-commit" } },
  ]);
  const { exitCode, said } = await run(server, ["migrate", ...places]);
  check("20 % answers of 503 and 15 % resets: one run finishes", exitCode === 0, exitCode === 0 ? "" : said);
  await expectParity("after the failures", server, places);
}

async function gone(root, first) {
  const places = ["--from", root, "--to", "s3://soak"];
  const { outcome } = start(first, ["migrate", ...places]);
  while (first.requests.count("PutObject") < FILES / 5) await sleep(5);
  await first.close();
  await sleep(OUTAGE_MS);
  const second = await startS3Server({ buckets: ["soak"], dir: join(work, "gone"), port: first.port });
  const { exitCode, said } = await outcome;
  check(
    "server unreachable for 30 s: the run waits and finishes",
    exitCode === 0,
    exitCode === 0 ? "" : said,
  );
  await expectParity("after the outage", second, places);
  await second.close();
}

async function planted(root, server) {
  const places = ["--from", root, "--to", "s3://soak"];
  await run(server, ["migrate", ...places]);
  const backend = createS3Backend({
    bucket: "soak",
    endpoint: server.endpoint,
    credentials: server.credentials,
  });
  const keys = ["raw/week=1/1.bin", "raw/week=7/7.bin"];
  for (const key of keys) {
    const wrong = Buffer.from(await readFile(join(root, key)));
    wrong[wrong.length >> 1] ^= 1;
    await backend.put(key, wrong);
  }
  await backend.close();
  const report = join(work, "planted-report");
  for (const level of ["etag", "full"]) {
    const { exitCode } = await run(server, ["verify", "--level", level, "--report", report, ...places]);
    const named = await readFile(join(report, "differing.txt"), "utf8");
    const unproven = await readFile(join(report, "unverifiable.txt"), "utf8");
    check(
      `two objects with wrong bytes and the right size, one sent whole and one in parts: verify --level ${level} finds both`,
      exitCode === 1 && keys.every((key) => `${named}${unproven}`.includes(`${key}\n`)),
      `differing: ${named.trim().replace("\n", " ")}; unverifiable: ${unproven.trim()}`,
    );
  }
}

async function fullDisk(root, server) {
  const small = join(work, "small-disk");
  await mkdir(small);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=30m", "tmpfs", small]).status !== 0) {
    console.log("SKIPPED the full disk: needs Linux and the permission to mount");
    return;
  }
  try {
    const { exitCode, said } = await run(server, ["migrate", "--from", root, "--to", small]);
    check(
      "full disk: exit code 1, and the reason is printed",
      exitCode === 1 && said.includes("the disk is full"),
    );
    let wrong = 0;
    for (const entry of await readdir(small, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const original = await readFile(path.replace(small, root)).catch(() => undefined);
      if (original === undefined || !original.equals(await readFile(path))) wrong++;
    }
    check("full disk: no partial file is left", wrong === 0, wrong === 0 ? "" : `${wrong} wrong`);
  } finally {
    spawnSync("umount", [small]);
  }
}

async function sparse(_root, server) {
  const { bavail, bsize } = await statfs(work);
  if (bavail * bsize < 3 * SPARSE_BYTES) {
    console.log("SKIPPED the sparse file of 5 GB: needs 15 GB of free disk space");
    return;
  }
  const root = join(work, "sparse-tree");
  await mkdir(root);
  const file = await open(join(root, "large.bin"), "w");
  await file.write("end", SPARSE_BYTES - 3);
  await file.close();
  const places = ["--from", root, "--to", "s3://soak"];
  const { exitCode, said } = await run(server, ["migrate", ...places]);
  check("a sparse file of 5 GB arrives", exitCode === 0, exitCode === 0 ? "" : said);
  await rm(join(work, ".cache"), { recursive: true, force: true });
  const verified = await run(server, ["verify", ...places]);
  check(
    "the MD5s of its parts prove it",
    verified.exitCode === 0,
    verified.exitCode === 0 ? "" : verified.said,
  );
}

/** Moves a tree from disk to S3 to R2 and back to disk: each step is planned, migrated, repeated and verified; at the end the bytes are compared. */
async function throughAll(root, what, files) {
  const s3 = await startS3Server({ buckets: ["soak"], dir: join(work, "all-s3") });
  const r2 = await startS3Server({ buckets: ["soak"], dir: join(work, "all-r2"), profile: "r2" });
  const back = join(work, "all-back");
  await mkdir(back);
  const env = {
    PARQUETRY_R2_ENDPOINT: r2.endpoint,
    PARQUETRY_R2_ACCESS_KEY: r2.credentials.accessKeyId,
    PARQUETRY_R2_SECRET_KEY: r2.credentials.secretAccessKey,
  };
  const lists = Math.ceil(files / 1000);
  const steps = [
    ["local to S3", root, "s3://soak/some/where"],
    ["S3 to R2", "s3://soak/some/where", "r2://soak"],
    ["R2 to local", "r2://soak", back],
  ];
  try {
    for (const [step, from, to] of steps) {
      const places = ["--from", from, "--to", to];
      const startedAt = performance.now();
      const plan = await run(s3, ["plan", "--json", ...places], env);
      const copy = await run(s3, ["migrate", ...places], env);
      const copied = performance.now();
      for (const server of [s3, r2]) server.requests.reset();
      const again = await run(s3, ["migrate", "--json", ...places], env);
      const asked = { ...s3.requests.byOperation(), ...r2.requests.byOperation() };
      const verified = await run(s3, ["verify", ...places], env);
      check(
        `${what}, ${step}: plan names ${files} files`,
        JSON.parse(plan.said.trim().split("\n").at(-1)).total.copy.files === files,
      );
      check(
        `${what}, ${step}: migrate`,
        copy.exitCode === 0,
        copy.exitCode === 0 ? `${((copied - startedAt) / 1000).toFixed(1)} s` : copy.said,
      );
      check(
        `${what}, ${step}: a second run copies nothing`,
        again.exitCode === 0 && JSON.parse(again.said.trim().split("\n").at(-1)).copied.files === 0,
        JSON.stringify(asked),
      );
      check(
        `${what}, ${step}: the second run only lists, ${lists} requests per side`,
        Object.keys(asked).every((name) => name === "ListObjectsV2") && asked.ListObjectsV2 <= lists + 1,
      );
      check(
        `${what}, ${step}: verify`,
        verified.exitCode === 0,
        verified.exitCode === 0 ? "" : verified.said,
      );
    }
    const difference = spawnSync("diff", ["-r", root, back], { encoding: "utf8" });
    check(`${what}: diff -r finds no difference`, difference.status === 0, difference.stdout.slice(0, 500));
  } finally {
    await s3.close();
    await r2.close();
    for (const name of ["all-s3", "all-r2", "all-back"]) await rm(join(work, name), { recursive: true });
  }
}

async function roundTrip() {
  const root = join(work, "user-tree");
  const files = await makeUserTree(root, { meanBytes: Number(process.env.SOAK_MEAN_BYTES ?? 4_000) });
  await throughAll(root, `${files} files like the first user's`, files);
  await rm(root, { recursive: true });
}

async function football() {
  const shared = fileURLToPath(new URL("../../shared/data/", import.meta.url));
  if (!existsSync(join(shared, "build-cfb.mjs"))) {
    console.log("SKIPPED the real football tree: ../shared/data/build-cfb.mjs is missing");
    return;
  }
  const root = join(work, "football-tree");
  // In bench/, because Node resolves DuckDB from there.
  const builder = fileURLToPath(new URL(`../bench/build-cfb-${process.pid}.mjs`, import.meta.url));
  await copyFile(join(shared, "build-cfb.mjs"), builder);
  const built = spawnSync(process.execPath, [builder, join(shared, "sources"), root], { encoding: "utf8" });
  await rm(builder);
  if (built.status !== 0) throw new Error(built.stderr);
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  await throughAll(root, "the real football tree", entries.filter((entry) => entry.isFile()).length);
  await rm(root, { recursive: true });
}

const only = process.argv[3];
try {
  const root = join(work, "tree");
  await makeTree(root, FILES);
  for (const disturb of [failing, gone, planted, fullDisk, sparse, killed, roundTrip, football]) {
    if (only !== undefined && only !== disturb.name) continue;
    // On disk, because objects must outlive the server or are larger than memory.
    const server = await startS3Server({ buckets: ["soak"], dir: join(work, disturb.name) });
    try {
      await disturb(root, server);
    } finally {
      await server.close();
      await rm(join(work, disturb.name), { recursive: true, force: true });
    }
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
console.log(failed === 0 ? "All checks passed." : `${failed} checks failed.`);
process.exit(failed === 0 ? 0 : 1);
