import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { agedTree } from "./migrate/aged-tree.mjs";
import { CONTENDERS, LOOP_FILES_AT_LATENCY, versionOf } from "./migrate/contenders.mjs";
import { environment } from "./migrate/environment.mjs";
import { HAS_TIME, runMeasured } from "./migrate/run-measured.mjs";
import { startRadosgw } from "./migrate/start-radosgw.mjs";
import { startServer } from "./migrate/start-server.mjs";

const SETS = [
  { files: 5000, meanBytes: 48_000 },
  { files: 500, meanBytes: 480_000 },
];
const LATENCIES_MS = [0, 40];

const isRadosgw = process.env.BENCH_SERVER === "radosgw";

/**
 * Measures copying, finding nothing to do, and verifying. Each tool is a separate program, and the server a separate process. The
 * files are at least ten minutes old, as nearly all of a user's are; this toolkit reads younger ones each time.
 * `BENCH_ONLY=ours,rclone` runs only the contenders with these words in their names, `BENCH_SCALE=0.1` uses a tenth of the
 * files, and `BENCH_SERVER=radosgw` uses radosgw, which cannot be slowed down. Returns what README.md compares.
 */
export async function benchMigrate(work) {
  const scale = Number(process.env.BENCH_SCALE ?? 1);
  const only = (process.env.BENCH_ONLY ?? "").split(",");
  const present = [];
  for (const contender of CONTENDERS.filter(({ name }) => only.some((word) => name.includes(word)))) {
    const version = versionOf(contender);
    if (version !== undefined) present.push(contender);
    if (version === undefined)
      console.error(
        `\nMISSING: ${contender.program} is not installed, so "${contender.name}" is not measured.`,
      );
    else if (version !== "") console.log(`${contender.name}: ${version}`);
  }
  if (!HAS_TIME) console.error("\nMISSING: GNU time (/usr/bin/time), so neither CPU nor memory is measured.");

  const speed = [];
  const trees = await Promise.all(
    SETS.map(({ files, meanBytes }) => agedTree({ files: Math.round(files * scale), meanBytes })),
  );
  for (const [i, tree] of trees.entries()) {
    const { meanBytes } = SETS[i];
    for (const latencyMs of isRadosgw ? [0] : LATENCIES_MS) {
      const rows = [];
      for (const contender of present) rows.push(await measure(contender, { work, tree, latencyMs }));
      print(
        `${tree.files} files of mean ${meanBytes / 1000} KB (${(tree.bytes / 1e6).toFixed(0)} MB), ${isRadosgw ? "radosgw" : `every request delayed by ${latencyMs} ms`}`,
        rows,
      );
      if (i === 0) speed.push(...speedOf(rows, tree.files, meanBytes, latencyMs));
    }
  }
  return { speed };
}

/** The times of each contender that does the whole job; verifications by content alone. */
function speedOf(rows, files, meanBytes, latencyMs) {
  const whole = rows.filter(({ contender }) => !contender.isLoop);
  const proving = whole.filter(({ contender }) => contender.proves === "content");
  const timesOf = (some, figuresOf, named) =>
    Object.fromEntries(some.map((row) => [named(row.contender), figuresOf(row).seconds]));
  const name = (contender) => contender.name;
  const nameAndProof = ({ name, proves }) => (proves === "content" ? name : `${name} (by ${proves})`);
  const what = `${files.toLocaleString("en")} files of ${meanBytes / 1000} KB`;
  const place = `${latencyMs} ms away`;
  return [
    { work: `copy ${what} to S3, ${place}`, seconds: timesOf(whole, (row) => row.copy, name) },
    {
      work: `run it again: nothing to do, ${place}`,
      seconds: timesOf(whole, (row) => row.noop, nameAndProof),
    },
    {
      work: `compare both sides by content, ${place}, first`,
      seconds: timesOf(proving, (row) => row.cold ?? row.verify, name),
    },
    {
      work: `compare both sides by content, ${place}, again`,
      seconds: timesOf(proving, (row) => row.verify, name),
    },
  ];
}

async function measure(contender, { work, tree, latencyMs }) {
  const { root } = tree;
  const home = join(work, "home");
  await mkdir(home);
  const server = await (isRadosgw ? startRadosgw() : startServer());
  try {
    await server.latency(latencyMs);
    const env = environment(server, home);
    const limit =
      contender.isLoop && latencyMs > 0 ? Math.min(tree.files, LOOP_FILES_AT_LATENCY) : tree.files;
    const run = async ([command, ...args]) => {
      const figures = await runMeasured(command, args, { env, cwd: home });
      return { ...figures, requests: await server.counts() };
    };
    const copy = await run(contender.copy(root, limit));
    const arrived = await countObjects(server, limit);
    const noop = await run(contender.copy(root, limit));
    const verify = await run(contender.verify(root, limit));
    if (contender.forget !== undefined) await rm(join(home, contender.forget), { recursive: true });
    const cold = contender.forget === undefined ? undefined : await run(contender.verify(root, limit));
    return { contender, files: limit, arrived, copy, noop, verify, cold };
  } finally {
    await server.close();
    await rm(home, { recursive: true });
  }
}

async function countObjects(server, expected) {
  const { S3Client, paginateListObjectsV2 } = await import("@aws-sdk/client-s3");
  const { endpoint, region, credentials } = server;
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  let arrived = 0;
  for await (const { KeyCount = 0 } of paginateListObjectsV2({ client }, { Bucket: "bench" }))
    arrived += KeyCount;
  client.destroy();
  await server.counts();
  if (arrived !== expected) console.error(`ONLY ${arrived} of ${expected} files arrived.`);
  return arrived;
}

function print(title, rows) {
  console.log(`\n**${title}**\n`);
  console.log(
    "| contender | copy s | files/s | CPU-s | peak MB | requests | no-op s | CPU-s | requests | verify s | CPU-s | compares |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const { contender, files, arrived, copy, noop, verify, cold } of rows) {
    const cells = [
      `${contender.name}${contender.isLoop && rows[0].files !== files ? ` (${files} files)` : ""}`,
      `${seconds(copy)}${arrived === files ? "" : ` **only ${arrived} arrived**`}`,
      (files / copy.seconds).toFixed(0),
      cpu(copy),
      (copy.megabytes ?? 0).toFixed(0),
      requests(copy),
      seconds(noop),
      cpu(noop),
      requests(noop),
      seconds(verify) + (cold === undefined ? "" : ` (${seconds(cold)} cold)`),
      cpu(verify) + (cold === undefined ? "" : ` (${cpu(cold)})`),
      contender.proves,
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

const seconds = (figures) => figures.seconds.toFixed(figures.seconds < 10 ? 2 : 1);
const cpu = ({ cpuSeconds }) => (cpuSeconds === undefined ? "?" : cpuSeconds.toFixed(1));

function requests({ requests: counts }) {
  const short = {
    PutObject: "PUT",
    HeadObject: "HEAD",
    ListObjectsV2: "LIST",
    ListObjects: "LIST",
    GetObject: "GET",
  };
  const sums = new Map();
  for (const [operation, count] of Object.entries(counts)) {
    const name = short[operation] ?? "other";
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return [...sums].map(([name, count]) => `${count} ${name}`).join(", ") || "none";
}
