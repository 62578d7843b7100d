import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKey } from "@parquetry/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLocalBackend } from "./local-backend.ts";
import { withPathLock } from "./path-lock.ts";
import { removeLeftovers } from "./remove-leftovers.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-leftovers-"));
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Runs a process that takes the lock of `data` in the root and is killed while it holds it. */
async function dieHoldingALock(): Promise<void> {
  const program = `
    import { withPathLock } from ${JSON.stringify(new URL("../dist/path-lock.js", import.meta.url).href)};
    await withPathLock(${JSON.stringify(root)}, "data", async () => {
      process.stdout.write("locked\\n");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("no pipe");
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("removeLeftovers", () => {
  it("removes old temporary files and dead locks, and nothing else", async () => {
    const backend = await createLocalBackend({ root });
    await backend.put(parseKey("a/b/data"), new Uint8Array(3));
    await writeFile(join(root, "a", "b", ".parquetry-old.tmp"), "half a file");
    await utimes(join(root, "a", "b", ".parquetry-old.tmp"), 1e9, 1e9);
    await writeFile(join(root, "a", ".parquetry-new.tmp"), "being written");
    await writeFile(join(root, ".env"), "not ours");
    await mkdir(join(root, "empty"));
    await dieHoldingALock();
    const locks = (await readdir(root)).filter((name) => name.startsWith(".parquetry-lock-"));
    expect(locks).toHaveLength(1);

    const expected = [join(root, ".parquetry-lock-"), join(root, "a", "b", ".parquetry-old.tmp")];
    const found = await removeLeftovers({ root, dryRun: true });
    expect(found).toEqual([expect.stringContaining(expected[0] ?? ""), expected[1]]);
    expect(await removeLeftovers({ root })).toEqual(found);
    expect(await removeLeftovers({ root })).toEqual([]);
    expect((await readdir(root, { recursive: true })).sort()).toEqual(
      [".env", "a", "a/.parquetry-new.tmp", "a/b", "a/b/data", "empty"].map((path) => join(path)).sort(),
    );
  });

  it("keeps a lock that is held", async () => {
    await withPathLock(root, "data", async () => {
      expect(await removeLeftovers({ root, minAgeMs: 0 })).toEqual([]);
    });
    await expect(removeLeftovers({ root: join(root, "none") })).rejects.toMatchObject({ code: "not_found" });
  });
});
