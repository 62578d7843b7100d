import { spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createLocalBackend, type HashedBytes, type LocalBackend } from "@parquetry/backend-local";
import type { Key, ObjectInfo } from "@parquetry/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const MIB = 1024 * 1024;

let root: string;
let backend: LocalBackend;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-hashed-"));
  backend = await createLocalBackend({ root });
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
  return info && backend.readHashed(info.key, info);
};

describe("readHashed", () => {
  it("gives the bytes of many files at once, and the MD5 of each", async () => {
    await mkdir(join(root, "a"));
    const lengths = Array.from({ length: 200 }, (_, i) => (i * 7919) % 100_000);
    for (const [i, length] of lengths.entries())
      await writeFile(join(root, `a/${String(i).padStart(3, "0")}`), contentOf(i, length));
    const files = await listed();
    await Promise.all(
      files.map(async (info, i) => {
        const read = await backend.readHashed(info.key, info);
        const wanted = contentOf(i, lengths[i] ?? 0);
        expect(read && Buffer.compare(read.bytes, wanted), info.key).toBe(0);
        expect(read?.md5).toBe(hash("md5", wanted, "hex"));
        read?.release();
      }),
    );
    expect(files).toHaveLength(200);
  });

  it("holds back what exceeds 32 MiB until memory is released", async () => {
    for (let i = 0; i < 6; i++) await writeFile(join(root, `f${i}`), contentOf(i, 8 * MIB));
    const files = await listed();
    const out: HashedBytes[] = [];
    const reads = files.map(async (info) => {
      const read = await backend.readHashed(info.key, info);
      if (read !== undefined) out.push(read);
    });
    await Promise.all(reads.slice(0, 4));
    // In the time that another thread reads all six, one without a limit would have read the last two.
    const other = await createLocalBackend({ root });
    for (const info of files) (await other.readHashed(info.key, info))?.release();
    await other.close();
    expect(out).toHaveLength(4);
    for (const read of out) read.release();
    await Promise.all(reads);
    expect(out.map(({ md5 }) => md5).sort()).toEqual(
      Array.from({ length: 6 }, (_, i) => hash("md5", contentOf(i, 8 * MIB), "hex")).sort(),
    );
  });

  it("leaves to get what is not simply there: another version, a large file, a link, nothing", async () => {
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
    for (const info of before) expect(await backend.readHashed(info.key, info), info.key).toBeUndefined();
    expect(before).toHaveLength(4);
    expect((await readOne("edited"))?.md5).toBe(hash("md5", "two", "hex"));
  });

  it("leaves to get what a copy of the backend reads in its own way", async () => {
    await writeFile(join(root, "x"), "x");
    const [info] = await listed();
    if (info === undefined) throw new Error("there is one file");
    const same = { ...backend };
    expect((await same.readHashed(info.key, info))?.md5).toBe(hash("md5", "x", "hex"));
    const audited = { ...backend, get: (...args: Parameters<typeof backend.get>) => backend.get(...args) };
    expect(await audited.readHashed(info.key, info)).toBeUndefined();
  });

  it("refuses a key that leads out of the root", async () => {
    // What no parser would let through: the type is all that keeps it out elsewhere.
    const outside = "../outside" as Key;
    const refusal = { code: "invalid_path" };
    await expect(backend.readHashed(outside, { sizeBytes: 1, etag: "x" })).rejects.toMatchObject(refusal);
    await expect(backend.get(outside)).rejects.toMatchObject(refusal);
  });

  it("ends what is under way when the backend is closed, and begins anew when it is asked again", async () => {
    for (let i = 0; i < 50; i++) await writeFile(join(root, `f${i}`), contentOf(i, MIB));
    const reads = (await listed()).map((info) => backend.readHashed(info.key, info));
    await backend.close();
    const results = await Promise.all(reads);
    expect(results).toContain(undefined);
    expect((await readOne("f7"))?.md5).toBe(hash("md5", contentOf(7, MIB), "hex"));
  });

  it.each([
    [
      "what is read was read",
      "console.log((await backend.readHashed(info.key, info)).md5)",
      hash("md5", "x", "hex"),
    ],
    ["nothing was read", "(backend.expectReads(), console.log(info.key))", "x"],
  ])("keeps no process alive once %s", async (_, use, output) => {
    await writeFile(join(root, "x"), "x");
    const script = `
      import { createLocalBackend } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, "../dist/index.js")).href)};
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
