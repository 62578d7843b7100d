import { execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { openSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/** Time limit of a server's first reply, which takes seconds on an idle machine. */
const START_MS = 3 * 60_000;
/** Below the ports that systems choose for connections and for servers without one: Linux begins at 32768. */
const [FIRST_PORT, LAST_PORT] = [15_000, 32_000];
const given = new Set();

/** Returns a port of 127.0.0.1 that is free at the moment, each time another one. */
export async function freePort() {
  for (;;) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
}

/** Whether a server can listen on a port of 127.0.0.1. */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
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
export async function until(what, probe, server, limitMs = START_MS) {
  const end = Date.now() + limitMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (!server.alive) throw new Error(`${what} ended while it started`, { cause: error });
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
