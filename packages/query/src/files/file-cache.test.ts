import { execFileSync } from "node:child_process";
import {
  type FileHandle,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { partition, Storage, StorageError } from "@parquetry/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openQuery } from "../database/open-query.ts";
import { clearCache, FileCache, inspectCache } from "./file-cache.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-cache-"));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const nameOf = (key: string, etag = "1") => ({ store: "s3://bucket", key, etag });

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** Lets nobody change a file. Returns false where that is not possible. */
function setImmutable(path: string, isImmutable: boolean): boolean {
  try {
    execFileSync("chattr", [isImmutable ? "+i" : "-i", path], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function filesIn(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}

it("loads each version once, also for concurrent calls", async () => {
  const cache = await FileCache.open(folder);
  let loads = 0;
  const get = (etag: string): Promise<string> =>
    cache.get(nameOf("a", etag), async () => {
      loads++;
      return bytes(`version ${etag}`);
    });
  const [first, second] = await Promise.all([get("1"), get("1")]);
  expect(first).toBe(second);
  expect(await readFile(await get("1"), "utf8")).toBe("version 1");
  expect(await readFile(await get("2"), "utf8")).toBe("version 2");
  expect(loads).toBe(2);
});

it("loads again for a concurrent call whose load was aborted by another call", async () => {
  const cache = await FileCache.open(folder);
  const aborted = new StorageError({ code: "aborted", op: "get", message: "aborted" });
  const first = cache.get(nameOf("a"), () => Promise.reject(aborted));
  const second = cache.get(nameOf("a"), async () => bytes("whole"));
  await expect(first).rejects.toBe(aborted);
  expect(await readFile(await second, "utf8")).toBe("whole");
});

it("leaves nothing behind if a load fails half-way", async () => {
  const cache = await FileCache.open(folder);
  const broken = async (handle: FileHandle): Promise<void> => {
    await handle.writeFile("half");
    throw new Error("dropped");
  };
  await expect(cache.make(nameOf("a"), broken)).rejects.toThrow("dropped");
  expect(await filesIn(folder)).toEqual([]);
  expect(await readFile(await cache.get(nameOf("a"), async () => bytes("whole")), "utf8")).toBe("whole");
});

it("goes on after another process has removed its folders", async () => {
  const cache = await FileCache.open(folder);
  for (const key of ["a", "b", "c"]) await cache.get(nameOf(key), async () => bytes(key));
  await rm(join(folder, "files"), { recursive: true });
  expect(cache.find(nameOf("a"))).toBeUndefined();
  expect(await readFile(await cache.get(nameOf("a"), async () => bytes("again")), "utf8")).toBe("again");
  await rm(join(folder, "files"), { recursive: true });
  const made = await cache.make(nameOf("a"), (handle) => handle.writeFile("once more"));
  expect(await readFile(made, "utf8")).toBe("once more");
  await rm(join(folder, "files"), { recursive: true });
  expect(await cache.size()).toEqual({ files: 0, bytes: 0 });
});

it("names the path and a remedy where a file has taken the place of its directory", async () => {
  const cache = await FileCache.open(folder);
  await cache.get(nameOf("a"), async () => bytes("a"));
  await rm(join(folder, "files"), { recursive: true });
  await writeFile(join(folder, "files"), "");
  expect(cache.find(nameOf("a"))).toBeUndefined();
  const calls = [
    () => cache.get(nameOf("a"), async () => bytes("a")),
    () => cache.make(nameOf("b"), (handle) => handle.writeFile("b")),
    () => cache.size(),
    () => cache.clear(),
    () => cache.trim(),
    () => inspectCache(folder),
    () => clearCache(folder),
  ];
  for (const call of calls) {
    await expect(call(), String(call)).rejects.toMatchObject({
      code: "permission_denied",
      path: join(folder, "files"),
      message: expect.stringMatching(/files \((?:ENOTDIR|EEXIST)\).*PARQUETRY_CACHE_DIR/s),
    });
  }
});

it("uses the files of a cache whose times it may not change", async () => {
  const cache = await FileCache.open(folder);
  const path = await cache.get(nameOf("a"), async () => bytes("a"));
  await utimes(path, 0, 0);
  if (!setImmutable(path, true)) return;
  try {
    expect(cache.find(nameOf("a"))).toBe(path);
  } finally {
    setImmutable(path, false);
  }
});

it("evicts the least recently used files above the limit, but none that may be in use", async () => {
  const cache = await FileCache.open(folder, 25);
  const paths: string[] = [];
  for (const key of ["a", "b", "c", "d"])
    paths.push(await cache.get(nameOf(key), async () => bytes("0123456789")));
  await cache.trim();
  expect(await filesIn(folder)).toHaveLength(4);

  const day = 24 * 60 * 60_000;
  for (const [i, path] of paths.entries())
    await utimes(path, new Date(), new Date(Date.now() - day + i * 1000));
  await writeFile(join(folder, "files", "left.part"), "x");
  await utimes(join(folder, "files", "left.part"), new Date(), new Date(Date.now() - day));
  // Used again: it is the youngest now.
  cache.find(nameOf("a"));
  const again = await FileCache.open(folder, 25);
  await again.get(nameOf("e"), async () => bytes("01"));
  await again.trim();
  expect(again.find(nameOf("a"))).toBeDefined();
  expect(again.find(nameOf("b"))).toBeUndefined();
  expect(again.find(nameOf("c"))).toBeUndefined();
  expect(again.find(nameOf("e"))).toBeDefined();
  await expect(stat(join(folder, "files", "left.part"))).rejects.toThrow("ENOENT");
});

it("fails only when something has to be cached, and then names the variable", async () => {
  await writeFile(join(folder, "file"), "");
  const root = join(folder, "data");
  await mkdir(root);
  const storage = new Storage(await createLocalBackend({ root }));
  await storage.write("raw/plays", [{ yards: 3 }], partition({ year: 2024 }));
  await mkdir(join(root, "raw/teams"));
  await writeFile(join(root, "raw/teams/a.csv"), "team\nHawks\n");
  await using db = await openQuery(storage, { cacheDirectory: join(folder, "file", "cache") });
  expect(await db.tables()).toEqual(["raw/plays", "raw/teams"]);
  expect((await db.sql("SELECT yards FROM plays")).rows).toEqual([{ yards: 3 }]);
  await expect(db.sql("FROM teams")).rejects.toMatchObject({
    code: "permission_denied",
    message: expect.stringContaining("PARQUETRY_CACHE_DIR"),
  });
});
