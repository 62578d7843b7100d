import { spawn } from "node:child_process";
import { once } from "node:events";
import { renameSync } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { listObjects } from "@parquetry/core/backend";
import type { SkippedEntry } from "@parquetry/core/unstable";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLocalBackend } from "../src/local-backend.ts";
import { whyNotAName } from "../src/local-names.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
let folder: string;
let root: string;
let backend: StorageBackend;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-safety-"));
  root = join(folder, "root");
  await mkdir(root);
  backend = await createLocalBackend({ root });
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("a local root", () => {
  it("cannot be left through a symbolic link to a folder or a file", async () => {
    const outside = join(folder, "outside");
    await mkdir(outside);
    await writeFile(join(outside, "secret.txt"), "secret");
    await symlink(outside, join(root, "linked"));
    await symlink(join(outside, "secret.txt"), join(root, "link.txt"));
    for (const path of ["linked/secret.txt", "linked/deep/er", "link.txt"]) {
      const key = parseKey(path);
      await expect(backend.get(key), path).rejects.toMatchObject({ code: "invalid_path" });
      await expect(backend.put(key, utf8("x")), path).rejects.toMatchObject({ code: "invalid_path" });
      await expect(backend.copy(key, parseKey("copied")), path).rejects.toMatchObject({
        code: "invalid_path",
      });
    }
    expect(await readFile(join(outside, "secret.txt"), "utf8")).toBe("secret");
    expect(await readdir(outside)).toEqual(["secret.txt"]);
  });

  it("reports links and lists nothing behind them, even if they form a loop", async () => {
    await mkdir(join(root, "a"));
    await symlink(root, join(root, "a", "loop"));
    await writeFile(join(root, "a", "file"), "x");
    const skipped: SkippedEntry[] = [];
    const keys: string[] = [];
    for await (const { key } of listObjects(backend, { onSkipped: (entry) => skipped.push(entry) }))
      keys.push(key);
    expect(keys).toEqual(["a/file"]);
    expect(skipped).toEqual([expect.objectContaining({ path: "a/loop", reason: "symlink" })]);
  });

  it("is unavailable, not empty, after it has vanished", async () => {
    await backend.put(parseKey("a/b"), utf8("x"));
    await rename(root, join(folder, "unplugged"));
    const gone = { code: "unavailable", message: expect.stringContaining("Is the drive connected?") };
    await expect(backend.head(parseKey("a/b"))).rejects.toMatchObject(gone);
    await expect(backend.get(parseKey("a/b"))).rejects.toMatchObject(gone);
    await expect(listObjects(backend)[Symbol.asyncIterator]().next()).rejects.toMatchObject(gone);
  });

  it("is not created by a write after it has vanished, and is not mistaken for an empty folder in its place", async () => {
    await backend.put(parseKey("a/b"), utf8("x"));
    await rename(root, join(folder, "unplugged"));
    const gone = { code: "unavailable", message: expect.stringContaining("Is the drive connected?") };
    await expect(backend.put(parseKey("a/c"), utf8("x"))).rejects.toMatchObject(gone);
    await expect(lstat(root)).rejects.toMatchObject({ code: "ENOENT" });
    // An unmounted drive leaves an empty folder.
    await mkdir(root);
    await expect(backend.put(parseKey("a/c"), utf8("x"))).rejects.toMatchObject(gone);
    await expect(backend.head(parseKey("a/b"))).rejects.toMatchObject(gone);
    await expect(listObjects(backend)[Symbol.asyncIterator]().next()).rejects.toMatchObject(gone);
    expect(await readdir(root)).toEqual([]);
  });

  it("has only whole files after it vanished during writes, and nothing is left in its place", async () => {
    for (let round = 0; round < 20; round++) {
      const drive = await mkdtemp(join(folder, "drive-"));
      const writing = await createLocalBackend({ root: drive });
      const unplug = setTimeout(() => renameSync(drive, `${drive}-unplugged`), Math.random() * 6);
      let failure: unknown;
      for (let i = 0; failure === undefined && i < 1000; i++) {
        await writing.put(parseKey(`a/${i % 7}/b`), utf8("whole")).catch((error: unknown) => {
          failure = error;
        });
      }
      clearTimeout(unplug);
      expect(["unavailable", "outcome_unknown"]).toContain((failure as { code?: string }).code);
      await expect(lstat(drive)).rejects.toMatchObject({ code: "ENOENT" });
      const again = await createLocalBackend({ root: `${drive}-unplugged` });
      for await (const { key } of listObjects(again)) {
        const { body } = await again.get(parseKey(key));
        expect(new TextDecoder().decode(await body.bytes())).toBe("whole");
      }
    }
  });

  it("must be a folder", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(createLocalBackend({ root: join(folder, "none") })).rejects.toMatchObject({
      code: "invalid_argument",
    });
    await expect(createLocalBackend({ root: join(folder, "file") })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });

  it("lists no empty folder, no temporary file and no lock", async () => {
    await mkdir(join(root, "a", "empty", "deep"), { recursive: true });
    await mkdir(join(root, "b"));
    await writeFile(join(root, "b", ".parquetry-0123.tmp"), "half a file");
    for await (const page of backend.list({ delimiter: "/" }))
      expect([...page.prefixes, ...page.objects]).toEqual([]);
    await expect(backend.put(parseKey("b/.parquetry-x"), utf8("x"))).rejects.toMatchObject({
      code: "invalid_path",
    });
  });

  it("has no empty folder after a delete", async () => {
    await backend.put(parseKey("a/b/c/d"), utf8("x"));
    await backend.put(parseKey("a/keep"), utf8("x"));
    for await (const { error } of backend.delete([parseKey("a/b/c/d")])) expect(error).toBeUndefined();
    expect(await readdir(join(root, "a"))).toEqual(["keep"]);
  });

  it("reports a file that is edited in place during a read", async () => {
    await backend.put(parseKey("big"), new Uint8Array(2_000_000));
    const { body } = await backend.get(parseKey("big"));
    const read = (async () => {
      let first = true;
      for await (const _ of body) {
        if (first) await writeFile(join(root, "big"), new Uint8Array(2_000_000).fill(1));
        first = false;
      }
    })();
    await expect(read).rejects.toMatchObject({ code: "precondition_failed" });
  });
});

describe("names", () => {
  it.each(["con", "NUL.txt", "a:b", "what?", "dot.", "space ", "back\\slash"])(
    "refuses %j on Windows only",
    (name) => {
      expect(whyNotAName(name, "win32")).toBeDefined();
      expect(whyNotAName(name, "linux")).toBeUndefined();
    },
  );
});

describe("processes", () => {
  /** Starts a process that increments a counter by compare-and-swap a number of times, or until it is killed. */
  function incrementer(times: number): ReturnType<typeof spawn> {
    const program = `
      import { createLocalBackend } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
      const backend = await createLocalBackend({ root: ${JSON.stringify(root)} });
      for (let done = 0; done < ${times}; ) {
        const { info, body } = await backend.get("counter");
        const value = Number(new TextDecoder().decode(await body.bytes()));
        try {
          await backend.put("counter", new TextEncoder().encode(String(value + 1)), { ifMatch: info.etag });
          done++;
        } catch (error) {
          if (error.code !== "precondition_failed") throw error;
        }
      }`;
    return spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  }

  async function counter(): Promise<number> {
    return Number(await readFile(join(root, "counter"), "utf8"));
  }

  it("lose no increment by compare-and-swap to each other", async () => {
    await backend.put(parseKey("counter"), utf8("0"));
    const exits = await Promise.all(Array.from({ length: 4 }, () => once(incrementer(25), "exit")));
    for (const exit of exits) expect(exit).toEqual([0, null]);
    expect(await counter()).toBe(100);
  });

  it("leave a whole file and no lasting lock when they are killed at any instant", async () => {
    await backend.put(parseKey("counter"), utf8("0"));
    for (let round = 0; round < 12; round++) {
      const worker = incrementer(1_000_000);
      const before = await counter();
      // Waits for its first increment, then for a part of the time of another one.
      while ((await counter()) < before + 3) await new Promise((resolve) => setTimeout(resolve, 1));
      await new Promise((resolve) => setTimeout(resolve, round % 5));
      worker.kill("SIGKILL");
      await once(worker, "exit");
      expect(Number.isInteger(await counter())).toBe(true);
    }
    const last = await counter();
    const { etag } = await backend.head(parseKey("counter"));
    await backend.put(parseKey("counter"), utf8(String(last + 1)), { ifMatch: etag });
    expect(await counter()).toBe(last + 1);
  });
});
