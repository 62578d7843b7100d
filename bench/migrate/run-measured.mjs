import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";

/** GNU time measures the CPU and memory of a process and its children; without it, only the elapsed time is measured. */
export const HAS_TIME = spawnSync("/usr/bin/time", ["--version"]).stdout?.toString().includes("GNU") ?? false;

/** Runs a program to its end. Throws an error with its output if it fails. */
export async function runMeasured(command, args, { env, cwd }) {
  const figures = join(cwd, "time.txt");
  const whole = HAS_TIME
    ? ["/usr/bin/time", "-f", "%U %S %M", "-o", figures, command, ...args]
    : [command, ...args];
  const startedAt = performance.now();
  const child = spawn(whole[0], whole.slice(1), { env, cwd, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      said = (said + text).slice(-4000);
    });
  }
  const [exitCode] = await once(child, "close");
  const seconds = (performance.now() - startedAt) / 1000;
  if (exitCode !== 0) throw new Error(`${command} ${args.join(" ")}: exit ${exitCode}\n${said}`);
  if (!HAS_TIME) return { seconds };
  const [user, system, kilobytes] = (await readFile(figures, "utf8")).trim().split(" ").map(Number);
  await rm(figures);
  return { seconds, cpuSeconds: user + system, megabytes: kilobytes / 1024 };
}
