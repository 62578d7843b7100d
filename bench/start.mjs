import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(
  new URL("./dist/bin/parquetry.js", import.meta.resolve("parquetry/package.json")),
);
const ROUNDS = 21;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * Starts the command and a bare Node in turn: each start of the command has a partner that the machine treated alike. The
 * target is 1.5 times the partner plus 40 ms.
 */
export async function benchStart(work) {
  const folders = ["source", "target"].map((name) => join(work, name));
  for (const folder of folders) mkdirSync(folder);
  const [source, target] = folders;
  const env = { PATH: process.env.PATH, HOME: work, PARQUETRY_DATA_ROOT: source };
  const time = (...args) => {
    const startedAt = performance.now();
    spawnSync(process.execPath, args, { cwd: work, env, stdio: "ignore" });
    return performance.now() - startedAt;
  };
  console.log(`\nStart of the command (median of ${ROUNDS} pairs)\n`);
  console.log("| command | ms | node -e 0 | target | |\n| --- | --- | --- | --- | --- |");
  for (const args of [["--help"], ["verify", "--to", target], ["migrate", "--to", target], ["inventory"]]) {
    const pairs = Array.from({ length: ROUNDS }, () => [time("-e", "0"), time(COMMAND, ...args)]);
    const bare = median(pairs.map(([each]) => each));
    const own = median(pairs.map(([, each]) => each));
    const limit = median(pairs.map(([each]) => 1.5 * each + 40));
    const name = `parquetry ${args[0]}${args[0] === "--help" ? "" : " of an empty tree"}`;
    console.log(
      `| ${name} | ${own.toFixed(0)} | ${bare.toFixed(0)} | ${limit.toFixed(0)} | ${own <= limit ? "met" : "MISSED"} |`,
    );
  }
  benchQuery({ cwd: work, env });
}

/** Compares CPU times, which a busy machine changes less: those of the command include its DuckDB process. */
function benchQuery(options) {
  const cpu = (...args) => {
    const program = `
      const { spawnSync } = require("node:child_process");
      spawnSync(process.execPath, ${JSON.stringify(args)}, { stdio: "ignore" });
      process.stdout.write(require("node:fs").readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ").slice(13, 15).join(" "));`;
    const { stdout } = spawnSync(process.execPath, ["-e", program], { ...options, encoding: "utf8" });
    return stdout.split(" ").reduce((sum, ticks) => sum + 10 * Number(ticks), 0);
  };
  const pairs = Array.from({ length: ROUNDS }, () => [cpu("-e", "0"), cpu(COMMAND, "query", "SELECT 1")]);
  const bare = median(pairs.map(([each]) => each));
  const own = median(pairs.map(([, each]) => each));
  console.log(`\nCPU time of a query (median of ${ROUNDS} pairs; Linux)\n`);
  console.log("| command | CPU ms | node -e 0 | ratio |\n| --- | --- | --- | --- |");
  console.log(`| parquetry query "SELECT 1" | ${own} | ${bare} | ${(own / bare).toFixed(1)} |`);
}
