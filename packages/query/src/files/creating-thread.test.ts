import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type CreatingThread, startCreatingThread } from "./creating-thread.ts";
import { FileCache } from "./file-cache.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "creating-thread-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function withThread(run: (thread: CreatingThread) => Promise<void>): Promise<void> {
  const thread = startCreatingThread();
  if (thread === undefined) throw new Error("the thread was not started");
  try {
    await run(thread);
  } finally {
    await thread.close();
  }
}

it("creates files of any size with their own bytes, also views of larger memory", () =>
  withThread(async (thread) => {
    const memory = randomBytes(9_000_000);
    const sizes = [
      0,
      1,
      1_667,
      65_536,
      3_000_000,
      5_000_000,
      ...Array.from({ length: 300 }, (_, i) => i * 7),
    ];
    await Promise.all(
      sizes.map((size, i) =>
        thread.create(join(folder, `${i}.part`), join(folder, `${i}`), memory.subarray(i, i + size)),
      ),
    );
    for (const [i, size] of sizes.entries()) {
      const found = await readFile(join(folder, `${i}`));
      expect(found.equals(memory.subarray(i, i + size)), `file ${i}`).toBe(true);
    }
    expect((await readdir(folder)).filter((name) => name.endsWith(".part"))).toEqual([]);
  }));

it("fails one file with the system's code, and creates the others", () =>
  withThread(async (thread) => {
    await writeFile(join(folder, "taken.part"), "");
    const bytes = Buffer.from("x");
    const results = await Promise.allSettled([
      thread.create(join(folder, "a.part"), join(folder, "a"), bytes),
      thread.create(join(folder, "missing", "b.part"), join(folder, "missing", "b"), bytes),
      thread.create(join(folder, "taken.part"), join(folder, "c"), bytes),
      thread.create(join(folder, "d.part"), join(folder, "d"), bytes),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({ reason: { code: "ENOENT", syscall: "write" } });
    expect(results[2]).toMatchObject({ reason: { code: "EEXIST" } });
  }));

it("leaves what is under way to its caller when it ends, and what comes later", () =>
  withThread(async (thread) => {
    const [part, path] = [join(folder, "a.part"), join(folder, "a")];
    const pending = thread.create(part, path, Buffer.from("x"));
    await thread.close();
    expect(await pending).toBe(false);
    expect(await thread.create(part, path, Buffer.from("x"))).toBe(false);
  }));

it("serves a cache from which many files are got, whose folders others remove", async () => {
  const cache = await FileCache.open(folder);
  const key = (i: number) => ({ store: "s3://bucket", key: `${i}`, etag: "1" });
  const get = (i: number) => cache.get(key(i), async () => Buffer.from(`bytes of ${i}`));
  const some = Array.from({ length: 600 }, (_, i) => i);
  await cache.getting(some.length, () => Promise.all(some.slice(0, 300).map(get)));
  await rm(join(folder, "files"), { recursive: true });
  const paths = await cache.getting(some.length, () => Promise.all(some.map(get)));
  for (const [i, path] of paths.entries()) expect(await readFile(path, "utf8")).toBe(`bytes of ${i}`);
  // A caller that does not wait for all of them.
  const late: Promise<string>[] = [];
  await cache.getting(some.length, async () => void late.push(get(1_000), get(1_001)));
  expect(await Promise.all(late)).toHaveLength(2);
});

it("leaves files to its caller where its program is missing, as in an incomplete bundle", async () => {
  const missing = (): CreatingThread | undefined =>
    startCreatingThread(pathToFileURL(join(folder, "none.js")));
  const [part, path] = [join(folder, "a.part"), join(folder, "a")];
  const thread = missing();
  expect(await thread?.create(part, path, Buffer.from("x"))).toBe(false);
  expect(await thread?.create(part, path, Buffer.from("x"))).toBe(false);
  await thread?.close();

  const cache = await FileCache.open(folder, undefined, missing);
  const some = Array.from({ length: 600 }, (_, i) => ({ store: "s3://bucket", key: `${i}`, etag: "1" }));
  const paths = await cache.getting(some.length, () =>
    Promise.all(some.map((name) => cache.get(name, async () => Buffer.from(name.key)))),
  );
  for (const [i, file] of paths.entries()) expect(await readFile(file, "utf8")).toBe(`${i}`);
  expect(await cache.size()).toMatchObject({ files: 600 });
});

it("is started once, and only where a file has to be created", async () => {
  for (const start of [startCreatingThread, () => undefined]) {
    let starts = 0;
    const cache = await FileCache.open(join(folder, String(start === startCreatingThread)), undefined, () => {
      starts++;
      return start();
    });
    const some = Array.from({ length: 600 }, (_, i) => ({ store: "s3://bucket", key: `${i}`, etag: "1" }));
    const getAll = (): Promise<unknown> =>
      cache.getting(some.length, () =>
        Promise.all(some.map((name) => cache.get(name, async () => Buffer.from(name.key)))),
      );
    await getAll();
    expect(starts).toBe(1);
    await getAll();
    expect(starts).toBe(1);
    expect(await cache.size()).toMatchObject({ files: 600 });
  }
});

it("leaves a file to its caller that it may have begun when it ended", async () => {
  // Creates the temporary file, and dies.
  const program = join(folder, "dying.mjs");
  await writeFile(
    program,
    `import { writeFileSync } from "node:fs";
     import { parentPort } from "node:worker_threads";
     parentPort.on("message", ({ paths }) => {
       writeFileSync(paths.split("\\0")[0], "half");
       throw new Error("out of memory");
     });`,
  );
  const cache = await FileCache.open(folder, undefined, () => startCreatingThread(pathToFileURL(program)));
  const name = { store: "s3://bucket", key: "a", etag: "1" };
  const path = await cache.getting(500, () => cache.get(name, async () => Buffer.from("whole")));
  expect(await readFile(path, "utf8")).toBe("whole");
  expect(await cache.size()).toMatchObject({ files: 1 });
});
