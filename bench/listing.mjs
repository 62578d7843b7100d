import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { KEY_SETS } from "./listing/key-sets.mjs";
import { startListServer } from "./listing/list-server.mjs";
import { versionOf } from "./migrate/contenders.mjs";
import { runMeasured } from "./migrate/run-measured.mjs";

const COUNTS = [5000, 50_000, 500_000];
const LATENCY_MS = 40;
const CLIENT = join(import.meta.dirname, "listing", "list-client.mjs");

/**
 * Measures listings of a bucket by ranges, page by page, and by `rclone --fast-list`, each in a separate process, against one
 * server process. `BENCH_COUNTS=5000` and `BENCH_KINDS=hash` measure less.
 */
export async function benchListing(work) {
  const counts = process.env.BENCH_COUNTS?.split(",").map(Number) ?? COUNTS;
  const kinds = KEY_SETS.filter((kind) => kind.includes(process.env.BENCH_KINDS ?? ""));
  const rclone = versionOf({ program: "rclone", version: ["version"] });
  if (rclone === undefined) console.error("\nMISSING: rclone is not installed, so it is not measured.");
  const server = await startListServer();
  const contenders = {
    ours: () => list("ranges", server.endpoint),
    "ours, page by page": () => list("plain", server.endpoint),
    ...(rclone === undefined ? {} : { [rclone]: () => listByRclone(server.endpoint, work) }),
  };
  try {
    for (const kind of kinds) {
      console.log(`\n**Listing: ${kind}, every request delayed by ${LATENCY_MS} ms**\n`);
      console.log("| objects | contender | s | times ours | CPU-s | peak MB | requests | concurrent |");
      console.log("| --- | --- | --- | --- | --- | --- | --- | --- |");
      for (const count of counts) {
        await server.serve(kind, count, LATENCY_MS);
        let ours;
        for (const [name, run] of Object.entries(contenders)) {
          const { objects = count, seconds, cpuSeconds = Number.NaN, rssMb = Number.NaN } = await run();
          if (objects !== count) throw new Error(`${name} listed ${objects} of ${count} objects`);
          const { requests, most } = await server.counts();
          ours ??= seconds;
          const figures = [seconds.toFixed(2), (seconds / ours).toFixed(1), cpuSeconds.toFixed(1)];
          console.log(
            `| ${[count.toLocaleString("en"), name, ...figures, rssMb.toFixed(0), requests, most].join(" | ")} |`,
          );
        }
      }
    }
  } finally {
    await server.close();
  }
}

async function list(how, endpoint) {
  const child = spawn(process.execPath, [CLIENT, how, endpoint], { stdio: ["ignore", "pipe", "inherit"] });
  const [printed, [exitCode]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (exitCode !== 0) throw new Error(`list-client.mjs ${how}: exit ${exitCode}`);
  return JSON.parse(printed);
}

async function listByRclone(endpoint, cwd) {
  const env = {
    PATH: process.env.PATH,
    HOME: cwd,
    RCLONE_CONFIG: "",
    RCLONE_CONFIG_BENCH_TYPE: "s3",
    RCLONE_CONFIG_BENCH_PROVIDER: "Other",
    RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: "key",
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: "secret",
    RCLONE_CONFIG_BENCH_LIST_VERSION: "2",
  };
  const { seconds, cpuSeconds, megabytes } = await runMeasured(
    "rclone",
    ["size", "--fast-list", "bench:bench"],
    { env, cwd },
  );
  return { seconds, cpuSeconds, rssMb: megabytes };
}
