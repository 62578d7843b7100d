import { spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createLocalBackend } from "@parquetry/backend-local";
import {
  abilitiesOf,
  type HashedReads,
  type Key,
  type ObjectInfo,
  type StorageBackend,
} from "@parquetry/core/backend";
import type { HashedBytes } from "@parquetry/core/unstable";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MIB = 1024 * 1024;

let root: string;
let backend: StorageBackend;
let reads: HashedReads;

function readsOf(hashing: StorageBackend): HashedReads {
  const { hashedReads } = abilitiesOf(hashing);
  if (hashedReads === undefined) throw new Error("a directory has hashed reads");
  return hashedReads;
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-hashed-"));
  backend = await createLocalBackend({ root });
  reads = readsOf(backend);
});

afterEach(async () => {
  await backend.close();
  await rm(root, { recursive: true, force: true });
});

const contentOf = (index: number, length: number): Buffer => Buffer.alloc(length, `file ${index} `);

async function listed(): Promise<ObjectInfo[]> {
  const all: ObjectInfo[] = [];
  for await (const { objects } of backend.list()) all.push(...objects);
  return all;
}

const readOne = async (name: string): Promise<HashedBytes | undefined> => {
  const info = (await listed()).find(({ key }) => key === name);
  expect(info, name).toBeDefined();
  return info && reads.read(info.key, info);
};

/** On a busy machine the disk can look slow, and then reads are left to `get`. */
const ON_A_QUICK_DISK = { retry: 5 };

describe("hashed reads", () => {
  it("return the bytes and the MD5 of many files at once", async () => {
    await mkdir(join(root, "a"));
    const lengths = Array.from({ length: 200 }, (_, i) => (i * 7919) % 100_000);
    for (const [i, length] of lengths.entries())
      await writeFile(join(root, `a/${String(i).padStart(3, "0")}`), contentOf(i, length));
    const files = await listed();
    await Promise.all(
      files.map(async (info, i) => {
        const read = await reads.read(info.key, info);
        const wanted = contentOf(i, lengths[i] ?? 0);
        expect(read && Buffer.compare(read.bytes, wanted), info.key).toBe(0);
        expect(read?.md5).toBe(hash("md5", wanted, "hex"));
        read?.release();
      }),
    );
    expect(files).toHaveLength(200);
  });

  it("leave files to `read` that have too few bytes each for the memory to hold all of them", async () => {
    await writeFile(join(root, "f"), "x");
    const [info] = await listed();
    if (info === undefined) throw new Error("nothing was listed");
    const versions = Array<ObjectInfo>(600_000).fill(info);
    expect(new Set(await reads.hashTogether?.(versions))).toEqual(new Set([undefined]));
    const [hashed] = (await reads.hashTogether?.([info])) ?? [];
    if (hashed !== undefined) expect(hashed.md5).toBe(hash("md5", "x", "hex"));
  });

  it("hold at most 32 MiB until memory is released", ON_A_QUICK_DISK, async () => {
    for (let i = 0; i < 6; i++) await writeFile(join(root, `f${i}`), contentOf(i, 8 * MIB));
    const files = await listed();
    const out: HashedBytes[] = [];
    const pending = files.map(async (info) => {
      const read = await reads.read(info.key, info);
      if (read !== undefined) out.push(read);
    });
    await Promise.all(pending.slice(0, 4));
    // While another thread reads all six, a thread without a limit would read the last two.
    const other = await createLocalBackend({ root });
    for (const info of files) (await readsOf(other).read(info.key, info))?.release();
    await other.close();
    expect(out).toHaveLength(4);
    for (const read of out) read.release();
    await Promise.all(pending);
    expect(out.map(({ md5 }) => md5).sort()).toEqual(
      Array.from({ length: 6 }, (_, i) => hash("md5", contentOf(i, 8 * MIB), "hex")).sort(),
    );
  });

  it("leave another version, a large file, a link and a missing file to get", async () => {
    await writeFile(join(root, "edited"), "one");
    await writeFile(join(root, "gone"), "gone");
    await writeFile(join(root, "large"), Buffer.alloc(8 * MIB + 1));
    await mkdir(join(root, "real"));
    await writeFile(join(root, "real/x"), "x");
    const before = await listed();
    await writeFile(join(root, "edited"), "two");
    await rm(join(root, "gone"));
    await rm(join(root, "real"), { recursive: true });
    await mkdir(join(root, "elsewhere"));
    await writeFile(join(root, "elsewhere/x"), "x");
    await symlink(join(root, "elsewhere"), join(root, "real"));
    for (const info of before) expect(await reads.read(info.key, info), info.key).toBeUndefined();
    expect(before).toHaveLength(4);
    expect((await readOne("edited"))?.md5).toBe(hash("md5", "two", "hex"));
  });

  it("belong to one backend object, not to a copy, which may read differently", () => {
    expect(abilitiesOf({ ...backend }).hashedReads).toBeUndefined();
  });

  it(
    "stop waiting for memory when the signal fires, and release what arrives later",
    ON_A_QUICK_DISK,
    async () => {
      for (let i = 0; i < 5; i++) await writeFile(join(root, `f${i}`), contentOf(i, 8 * MIB));
      const [last, ...files] = (await listed()).reverse();
      if (last === undefined) throw new Error("there are five files");
      const out = await Promise.all(files.map((info) => reads.read(info.key, info)));
      const controller = new AbortController();
      const waiting = reads.read(last.key, last, { signal: controller.signal });
      controller.abort();
      await expect(waiting).rejects.toMatchObject({ code: "aborted" });
      for (const read of out) read?.release();
      // All of the memory is available again.
      const again = await Promise.all(files.map((info) => reads.read(info.key, info)));
      for (const read of again) read?.release();
      expect(again).not.toContain(undefined);
    },
  );

  it("refuse a key that leads out of the root", async () => {
    // No parser lets this through, so only a cast can produce it.
    const outside = "../outside" as Key;
    const refusal = { code: "invalid_path" };
    await expect(reads.read(outside, { sizeBytes: 1, etag: "x" })).rejects.toMatchObject(refusal);
    await expect(backend.get(outside)).rejects.toMatchObject(refusal);
  });

  it("end pending reads when the backend is closed, and start again with the next read", async () => {
    for (let i = 0; i < 50; i++) await writeFile(join(root, `f${i}`), contentOf(i, MIB));
    const pending = (await listed()).map((info) => reads.read(info.key, info));
    await backend.close();
    const results = await Promise.all(pending);
    expect(results).toContain(undefined);
    expect((await readOne("f7"))?.md5).toBe(hash("md5", contentOf(7, MIB), "hex"));
  });

  it.each([
    [
      "a read",
      "console.log((await abilitiesOf(backend).hashedReads.read(info.key, info)).md5)",
      hash("md5", "x", "hex"),
    ],
    ["prepare alone", "(abilitiesOf(backend).hashedReads.prepare(), console.log(info.key))", "x"],
  ])("keep no process alive after %s", async (_, use, output) => {
    await writeFile(join(root, "x"), "x");
    const script = `
      import { createLocalBackend } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../dist/index.js")).href)};
      import { abilitiesOf } from "@parquetry/core/backend";
      const backend = await createLocalBackend({ root: process.argv[1] });
      for await (const { objects } of backend.list()) for (const info of objects) ${use};
    `;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["--input-type=module", "--eval", script, root],
      { encoding: "utf8", timeout: 60_000 },
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: `${output}\n`, stderr: "" });
  });
});
