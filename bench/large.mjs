import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { CONTENDERS, versionOf } from "./migrate/contenders.mjs";
import { environment } from "./migrate/environment.mjs";
import { HAS_TIME, runMeasured } from "./migrate/run-measured.mjs";
import { startServer } from "./migrate/start-server.mjs";

const MB = 1_000_000;
const SETS = [
  { files: 6, bytes: 200 * MB },
  { files: 200, bytes: 20 * MB },
  { files: 1, bytes: 5000 * MB },
];
const LATENCIES_MS = [0, 40];

/**
 * Measures copying large files up, reading both sides to compare them, and copying them down. `BENCH_ONLY` chooses the
 * contenders as for `migrate`, `BENCH_SET=6` the set of six files, and `BENCH_LATENCY=0` a latency. Returns what README.md compares.
 */
export async function benchLarge(work) {
  const { BENCH_ONLY = "", BENCH_SET, BENCH_LATENCY } = process.env;
  const words = BENCH_ONLY.split(",");
  const present = CONTENDERS.filter(
    (one) =>
      one.down !== undefined && words.some((word) => one.name.includes(word)) && versionOf(one) !== undefined,
  );
  if (!HAS_TIME) console.error("\nMISSING: GNU time (/usr/bin/time), so neither CPU nor memory is measured.");
  const speed = [];
  for (const { files, bytes } of SETS.filter((set) => [undefined, String(set.files)].includes(BENCH_SET))) {
    const root = join(work, "up");
    await makeFiles(root, files, bytes);
    for (const latencyMs of LATENCIES_MS.filter((ms) => [undefined, String(ms)].includes(BENCH_LATENCY))) {
      const rows = [];
      for (const contender of present) rows.push(await measure(contender, { work, root, latencyMs }));
      print(`${files} files of ${bytes / MB} MB, every request delayed by ${latencyMs} ms`, rows);
      speed.push(...speedOf(rows, files, bytes, latencyMs));
    }
    await rm(root, { recursive: true });
  }
  return { speed };
}

function speedOf(rows, files, bytes, latencyMs) {
  const what = `${files} ${files === 1 ? "file" : "files"} of ${bytes / MB} MB`;
  const jobs = {
    "copy to S3": ({ copy }) => copy.seconds,
    "compare both sides by reading them": ({ verify }) => verify.seconds,
    "copy from S3": ({ down }) => down.seconds,
    "copy from S3, and sync the disk": ({ down, syncSeconds }) => down.seconds + syncSeconds,
  };
  return Object.entries(jobs).map(([job, secondsOf]) => ({
    work: `${job}: ${what}, ${latencyMs} ms away`,
    bytes: files * bytes,
    seconds: Object.fromEntries(rows.map((row) => [row.contender.name, secondsOf(row)])),
  }));
}

async function measure(contender, { work, root, latencyMs }) {
  const [home, down] = [join(work, "home"), join(work, "down")];
  await mkdir(home);
  await mkdir(down);
  const server = await startServer();
  try {
    await server.latency(latencyMs);
    const run = ([command, ...args]) =>
      runMeasured(command, args, { env: environment(server, home), cwd: home });
    // Nothing that was written before is measured.
    await sync(root);
    const copy = await run(contender.copy(root));
    const verify = await run((contender.verifyFully ?? contender.verify)(root));
    await sync(down);
    const downloaded = await run(contender.down(down));
    return { contender, copy, verify, down: downloaded, syncSeconds: await sync(down) };
  } finally {
    await server.close();
    await rm(home, { recursive: true });
    await rm(down, { recursive: true });
  }
}

/** Writes everything on the file system of a folder to the disk, as Parquetry does before it calls a file copied. Returns the seconds. */
async function sync(folder) {
  const startedAt = performance.now();
  await promisify(execFile)("sync", ["-f", folder]);
  return (performance.now() - startedAt) / 1000;
}

/** Random content, different in each file. */
async function makeFiles(root, files, bytes) {
  const content = randomBytes(16 * MB);
  await mkdir(root, { recursive: true });
  for (let i = 0; i < files; i++) {
    const file = await open(join(root, `file-${i}.parquet`), "w");
    for (let rest = bytes; rest > 0; rest -= content.byteLength) {
      content.writeUInt32LE(i * 1000 + (rest % 1000), rest % (15 * MB));
      await file.write(content, 0, Math.min(rest, content.byteLength));
    }
    await file.close();
  }
}

function print(title, rows) {
  console.log(`\n**${title}**\n`);
  console.log(
    `| contender |${["up", "verify", "down"].map((job) => ` ${job} s | CPU-s | peak MB |`).join("")} then sync s |`,
  );
  console.log(`| --- |${" --- |".repeat(10)}`);
  for (const { contender, copy, verify, down, syncSeconds } of rows) {
    const cells = [copy, verify, down].flatMap(({ seconds, cpuSeconds, megabytes }) => [
      seconds.toFixed(1),
      cpuSeconds?.toFixed(1) ?? "?",
      megabytes?.toFixed(0) ?? "?",
    ]);
    console.log(`| ${[contender.name, ...cells, syncSeconds.toFixed(1)].join(" | ")} |`);
  }
}
