// Disturbs migrations, and asks for parity each time. Needs a build:
//   node scripts/soak-migrate.mjs [minutes of kills = 5] [failing|gone|fullDisk|sparse|killed]
// Exit code 1 where anything is lost, sent too often, or left behind. What cannot be done here is skipped aloud.
import { spawn, spawnSync } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, open, readdir, readFile, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startS3Server } from "../packages/testkit/dist/index.js";

const SCRIPT = fileURLToPath(new URL("../packages/migrate-cli/dist/bin/parquetry.js", import.meta.url));
const MINUTES = Number(process.argv[2] ?? 5);
const FILES = 1500;
const KILLS = 100;
const CONCURRENCY = 8;
const SPARSE_BYTES = 5 * 1024 ** 3;

const work = await mkdtemp(join(tmpdir(), "parquetry-soak-"));
let failed = 0;

function check(what, holds, detail = "") {
  console.log(`${holds ? "ok    " : "FAILED"} ${what}${detail === "" ? "" : `: ${detail}`}`);
  if (!holds) failed++;
}

function start(server, args) {
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
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
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

const run = (server, args) => start(server, args).outcome;

async function makeTree(root, files) {
  for (let i = 0; i < files; i++) {
    const path = join(root, "raw", `week=${i % 20}`, `${i}.bin`);
    await mkdir(dirname(path), { recursive: true });
    // One in a hundred goes in parts.
    await writeFile(path, randomBytes(i % 100 === 7 ? 9_000_000 : 200 + randomInt(20_000)));
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
    const some = randomInt(1, Math.ceil((2.5 * FILES) / KILLS));
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
  const small = FILES - FILES / 100;
  check(
    "nothing sent again but what was in flight",
    puts <= small + kills * CONCURRENCY,
    `${puts} PUT for ${small} files`,
  );
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
  check("20 % of 503 and 15 % of resets: finishes at once", exitCode === 0, exitCode === 0 ? "" : said);
  await expectParity("after the failures", server, places);
}

async function gone(root, first) {
  const places = ["--from", root, "--to", "s3://soak"];
  const { outcome } = start(first, ["migrate", ...places]);
  while (first.requests.count("PutObject") < FILES / 5) await sleep(5);
  await first.close();
  await sleep(15_000);
  const second = await startS3Server({ buckets: ["soak"], dir: join(work, "gone"), port: first.port });
  const { exitCode, said } = await outcome;
  check("server gone for 15 s: waits and finishes", exitCode === 0, exitCode === 0 ? "" : said);
  await expectParity("after the outage", second, places);
  await second.close();
}

async function fullDisk(root, server) {
  const small = join(work, "small-disk");
  await mkdir(small);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=30m", "tmpfs", small]).status !== 0) {
    console.log("SKIPPED a full disk: it needs Linux, root and the right to mount");
    return;
  }
  try {
    const { exitCode, said } = await run(server, ["migrate", "--from", root, "--to", small]);
    check("disk full: exit 1 and the reason", exitCode === 1 && said.includes("the disk is full"));
    let wrong = 0;
    for (const entry of await readdir(small, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const original = await readFile(path.replace(small, root)).catch(() => undefined);
      if (original === undefined || !original.equals(await readFile(path))) wrong++;
    }
    check("disk full: no half file under any name", wrong === 0, wrong === 0 ? "" : `${wrong} wrong`);
  } finally {
    spawnSync("umount", [small]);
  }
}

async function sparse(_root, server) {
  const { bavail, bsize } = await statfs(work);
  if (bavail * bsize < 3 * SPARSE_BYTES) {
    console.log("SKIPPED a sparse file of 5 GB: it needs 15 GB of free disk");
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
  check("and its parts prove it", verified.exitCode === 0, verified.exitCode === 0 ? "" : verified.said);
}

const only = process.argv[3];
try {
  const root = join(work, "tree");
  await makeTree(root, FILES);
  for (const disturb of [failing, gone, fullDisk, sparse, killed]) {
    if (only !== undefined && only !== disturb.name) continue;
    // On disk: what is kept must outlive the server, or is larger than memory.
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
console.log(failed === 0 ? "All held." : `${failed} did not hold.`);
process.exit(failed === 0 ? 0 : 1);
