import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { promisify } from "node:util";
import { StorageError } from "@parquetry/core";

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
/** What DuckDB takes where nothing is said. */
const DEFAULT_SHARE = 0.8;
/** A process gets so much more than DuckDB's own limit, which does not count everything… */
const SLACK = 1.25;
/** …and this for Node itself… */
const BASE_BYTES = 256 * 2 ** 20;
/** …but never more than this share of the machine. */
const MAX_SHARE = 0.9;

/**
 * The memory at which the engine's process is killed, in bytes.
 *
 * @param memoryLimit DuckDB's: `4GB`, `500 MiB`.
 * @throws StorageError `invalid_argument` for what is no size.
 */
export function processLimitBytes(memoryLimit: string | undefined): number {
  const constrained = process.constrainedMemory();
  const machine = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
  const engine = memoryLimit === undefined ? machine * DEFAULT_SHARE : parseBytes(memoryLimit);
  return Math.min(engine * SLACK + BASE_BYTES, machine * MAX_SHARE);
}

function parseBytes(text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text);
  const unit = UNITS[match?.[2]?.toLowerCase() ?? ""];
  if (match === null || unit === undefined) {
    throw new StorageError({
      code: "invalid_argument",
      op: "openQuery",
      message: `openQuery: memoryLimit ${JSON.stringify(text)} is no size. Give one such as 4GB or 500MiB.`,
    });
  }
  return Number(match[1]) * unit;
}

/** The memory that a process holds, in bytes; undefined where the system does not tell. */
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
    // It has just ended.
    return undefined;
  }
}
