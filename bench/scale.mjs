import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { PARTITIONS } from "./scale/generated-keys.mjs";
import { startGeneratedServer } from "./scale/generated-server.mjs";

const COUNTS = [1000, 10_000, 100_000, 1_000_000];
const LATENCY_MS = 20;
/** The steps of each job; a job runs in a separate process. */
const JOBS = { plan: ["plan"], verify: ["verify"], query: ["first query", "warm query"] };
const GENERATED_JOBS = ["list", "plan", "verify", "shard", "hash cache"];
/** A hash cache of more records is emptied. */
const MAX_CACHED = 20_000_000;
const script = (name) => join(import.meta.dirname, "scale", name);

/**
 * Measures how the cost of a plan, a verification and a query grows with the number of keys in a bucket, and what planning costs
 * without a store. `BENCH_COUNTS=1000,10000` measures less of the first, and `BENCH_KEYS=100000000` more of the second. Returns the
 * constants that docs/scale.md is computed from.
 */
export async function benchScale(work) {
  const counts = process.env.BENCH_COUNTS?.split(",").map(Number) ?? COUNTS;
  const keys = Number(process.env.BENCH_KEYS ?? 10_000_000);
  const grown = await benchGrowth(counts, work);
  const generated = await benchGenerated([...new Set([Math.min(keys, 1_000_000), keys])]);
  return { latencyMs: LATENCY_MS, grown, generated };
}

async function benchGrowth(counts, work) {
  const lines = [];
  for (const keys of counts) {
    const server = await startGeneratedServer(keys, LATENCY_MS);
    try {
      for (const [job, steps] of Object.entries(JOBS)) {
        const child = fork(script("grow-client.mjs"), [job, server.endpoint, join(work, `cache-${keys}`)]);
        for (const step of steps) {
          await messageOf(child);
          await server.requests();
          child.send({});
          const cost = await messageOf(child);
          child.send({});
          lines.push({ step, keys, ...cost, requests: await server.requests() });
        }
        if (child.exitCode === null) await once(child, "exit");
      }
    } finally {
      await server.close();
    }
  }
  console.log(
    `\n**How costs grow: a bucket of ${PARTITIONS} partitions, every request delayed by ${LATENCY_MS} ms**\n`,
  );
  console.log("| step | keys | s | CPU-s | requests | peak MB | s × | CPU × | requests × | MB × |");
  console.log("| --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
  for (const step of Object.values(JOBS).flat()) {
    let before;
    for (const line of lines.filter((one) => one.step === step)) {
      const { keys, seconds, cpuSeconds, requests, megabytes } = line;
      const times = ["seconds", "cpuSeconds", "requests", "megabytes"].map((figure) =>
        before === undefined || before[figure] === 0 ? "" : (line[figure] / before[figure]).toFixed(1),
      );
      const cells = [seconds.toFixed(2), cpuSeconds.toFixed(2), requests, megabytes.toFixed(0), ...times];
      console.log(`| ${[step, keys.toLocaleString("en"), ...cells].join(" | ")} |`);
      before = line;
    }
  }
  return lines;
}

async function benchGenerated(counts) {
  const lines = [];
  console.log("\n**Without a store: two generated listings**\n");
  console.log("| job | keys | s | CPU-s | CPU µs a key | peak MB | bytes on disk a key |");
  console.log("| --- | --: | --: | --: | --: | --: | --: |");
  for (const job of GENERATED_JOBS) {
    for (const keys of counts.filter((some) => job !== "hash cache" || some <= MAX_CACHED)) {
      const child = fork(script("generated-client.mjs"), [job, String(keys)]);
      const { seconds, cpuSeconds, megabytes, diskBytes } = await messageOf(child);
      const cpuMicros = (cpuSeconds / keys) * 1e6;
      lines.push({ job, keys, seconds, cpuSeconds, cpuMicros, megabytes, diskBytes });
      const cells = [
        seconds.toFixed(1),
        cpuSeconds.toFixed(1),
        cpuMicros.toFixed(1),
        megabytes.toFixed(0),
        diskBytes ?? "",
      ];
      console.log(`| ${[job, keys.toLocaleString("en"), ...cells].join(" | ")} |`);
    }
  }
  return lines;
}

async function messageOf(child) {
  const exit = once(child, "exit").then(([code]) =>
    Promise.reject(new Error(`${child.spawnargs.join(" ")}: exit ${code}`)),
  );
  exit.catch(() => {});
  const [message] = await Promise.race([once(child, "message"), exit]);
  return message;
}
