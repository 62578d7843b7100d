import { execFile, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/** How long a server may take to answer for the first time, in milliseconds. */
const START_MS = 60_000;

/** A port of 127.0.0.1 that nobody listens on now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Runs a program to its end and gives what it printed. */
export async function run(command, args, options = {}) {
  const { stdout } = await execFileAsync(command, args, { timeout: START_MS, ...options });
  return stdout;
}

/** Starts a program that stays, its output in `logFile`. */
export function start(command, args, logFile, options = {}) {
  const log = openSync(logFile, "a");
  const child = spawn(command, args, { stdio: ["ignore", log, log], ...options });
  const ended = new Promise((resolve) => {
    child.once("exit", resolve);
    child.once("error", resolve);
  });
  return {
    get alive() {
      return child.exitCode === null && child.signalCode === null && child.pid !== undefined;
    },
    /** Asks it to end, and ends it where it does not. */
    async stop() {
      if (!this.alive) return;
      child.kill("SIGTERM");
      await Promise.race([ended, sleep(5000, undefined, { ref: false })]);
      if (this.alive) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Waits until `probe` no longer throws. */
export async function until(what, probe, limitMs = START_MS) {
  const end = Date.now() + limitMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (Date.now() > end)
        throw new Error(`${what} did not come up in ${limitMs / 1000} s`, { cause: error });
      await sleep(100);
    }
  }
}

/** True where a program can be found. */
export async function has(command, args = ["--version"]) {
  try {
    await execFileAsync(command, args);
    return true;
  } catch (error) {
    return error.code !== "ENOENT";
  }
}
