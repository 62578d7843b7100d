import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { promisify } from "node:util";

const PAGE_BYTES = 4096;
const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};
/** The share of the memory that DuckDB uses by default. */
const DEFAULT_SHARE = 0.8;
/** The process may use this much more than DuckDB's own limit, which does not count everything… */
const SLACK = 1.25;
/** …plus this for Node… */
const BASE_BYTES = 256 * 2 ** 20;
/** …but never more than this share of the machine. */
const MAX_SHARE = 0.9;

/**
 * The memory at which the child process is killed, in bytes.
 *
 * @param memoryLimit DuckDB's own limit, which {@link parseMemoryLimit} accepts.
 */
export function processLimitBytes(memoryLimit: string | undefined): number {
  const constrained = process.constrainedMemory();
  const machine = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
  const duckDb = parseMemoryLimit(memoryLimit ?? "") ?? machine * DEFAULT_SHARE;
  return Math.min(duckDb * SLACK + BASE_BYTES, machine * MAX_SHARE);
}

/** The bytes of a size such as `4GB` or `500 MiB`; undefined for any other string. */
export function parseMemoryLimit(text: string): number | undefined {
  const [, digits, unit = ""] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text) ?? [];
  const bytes = UNITS[unit.toLowerCase()];
  return bytes === undefined ? undefined : Number(digits) * bytes;
}

/** The resident memory of a process, in bytes; undefined where the system does not report it. */
export async function processBytes(pid: number): Promise<number | undefined> {
  try {
    if (process.platform === "linux") {
      const statm = await readFile(`/proc/${pid}/statm`, "utf8");
      return Number(statm.split(" ")[1]) * PAGE_BYTES;
    }
    if (process.platform === "win32") return undefined;
    const { stdout } = await promisify(execFile)("ps", ["-o", "rss=", "-p", String(pid)]);
    return Number(stdout.trim()) * 1024;
  } catch {
    // The process has just ended.
    return undefined;
  }
}
