import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { parseKey, type StorageBackend } from "@parquetry/core";
import { deleteAll } from "@parquetry/core/unstable";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileCache } from "../src/files/file-cache.ts";
import { FileSource, type StoredFile } from "../src/files/file-source.ts";
import { PinnedFiles } from "../src/files/pinned-files.ts";

const key = parseKey("g/w=1/part-0.parquet");
let folder: string;
let backend: StorageBackend;
let source: FileSource;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "parquetry-pinned-"));
  for (const name of ["root", "pinned"]) await mkdir(join(folder, name));
  backend = await createLocalBackend({ root: join(folder, "root") });
  await backend.put(key, Buffer.from("old"));
  const cache = await FileCache.open(join(folder, "cache"));
  source = new FileSource(backend, cache, {}).pinning(join(folder, "pinned"));
});

afterEach(async () => {
  await source.release();
  await rm(folder, { recursive: true, force: true });
});

async function listed(): Promise<StoredFile> {
  const { etag, sizeBytes, lastModified } = await backend.head(key);
  const info = { key, etag, sizeBytes, lastModified };
  return { file: { name: "part-0.parquet", format: "parquet", info }, entries: [] };
}

const fetched = async (file: StoredFile): Promise<string> => {
  const [found] = await source.fetch([file], { count: { fetchedFiles: 0, fetchedBytes: 0 } });
  return String(found?.path);
};

describe.runIf(PinnedFiles.isSupported)("a pinned file", () => {
  it("is still the listed version after another replaced it, or it was deleted", async () => {
    const path = await fetched(await listed());
    await backend.put(key, Buffer.from("new"));
    expect(await readFile(path, "utf8")).toBe("old");
    await deleteAll(backend, [key]);
    expect(await readFile(path, "utf8")).toBe("old");
  });

  it("is never another version than the listed one", async () => {
    const old = await listed();
    await backend.put(key, Buffer.from("new"));
    await expect(fetched(old)).rejects.toMatchObject({ code: "precondition_failed", path: key });
    await deleteAll(backend, [key]);
    await expect(fetched(old)).rejects.toMatchObject({ code: "not_found" });
    await backend.put(key, Buffer.from("new"));
    expect(await readFile(await fetched(await listed()), "utf8")).toBe("new");
  });
});
