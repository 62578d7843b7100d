import { execFile, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/** Time limit of a server's first reply. */
const START_MS = 60_000;

/** Returns a port of 127.0.0.1 that is free at the moment. */
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

/** Runs a program to its end and returns its output. */
export async function run(command, args, options = {}) {
  const { stdout } = await execFileAsync(command, args, { timeout: START_MS, ...options });
  return stdout;
}

/** Starts a program in the background and writes its output to `logFile`. */
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
    /** Sends SIGTERM, and SIGKILL after 5 s. */
    async stop() {
      if (!this.alive) return;
      child.kill("SIGTERM");
      await Promise.race([ended, sleep(5000, undefined, { ref: false })]);
      if (this.alive) child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Waits until `probe` no longer throws, or `server` has ended. */
export async function until(what, probe, limitMs = START_MS, server = undefined) {
  const end = Date.now() + limitMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (server?.alive === false) throw new Error(`${what} ended while it started`, { cause: error });
      if (Date.now() > end)
        throw new Error(`${what} did not start within ${limitMs / 1000} s`, { cause: error });
      await sleep(100);
    }
  }
}

/** Whether a program is installed. */
export async function has(command, args = ["--version"]) {
  try {
    await execFileAsync(command, args);
    return true;
  } catch (error) {
    return error.code !== "ENOENT";
  }
}
