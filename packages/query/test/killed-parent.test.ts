import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";

/** Opens an isolated database, runs a query so that its process is there, and starts one that does not end. */
const PROGRAM = `
import { createMemoryBackend, Storage } from "@parquetry/core";
import { openQuery } from "@parquetry/query";
const db = await openQuery(new Storage(createMemoryBackend()), { isolate: true });
await db.sql("SELECT 1");
process.stdout.write("ready");
await db.sql("SELECT count(*) FROM range(100000) a, range(100000) b, range(100000) c");
`;

function childrenOf(parent: number | undefined): readonly number[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" });
  const pairs = table.split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([pid, ppid]) => (pid !== undefined && ppid === parent ? [pid] : []));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it.skipIf(process.platform === "win32")("ends the isolated process when its parent is killed", async () => {
  const cache = mkdtempSync(join(tmpdir(), "parquetry-query-killed-"));
  try {
    const parent = spawn(process.execPath, ["--input-type=module", "-e", PROGRAM], {
      cwd: join(import.meta.dirname, ".."),
      env: { ...process.env, PARQUETRY_CACHE_DIR: cache },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(parent.stdout, "data");
    const children = childrenOf(parent.pid);
    expect(children).toHaveLength(1);
    parent.kill("SIGKILL");
    await once(parent, "exit");
    while (children.some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 20));
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
});
