import { appendFile, mkdtemp, rename, rm, unlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseKey } from "@parquetry/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLocalBackend } from "../src/index.ts";

/** Larger than a file that is read at once. */
const BYTES = 3 * 1024 * 1024;
const OLD = Buffer.alloc(BYTES, "old");
const key = parseKey("a.bin");
let root: string;
let path: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-moved-"));
  path = join(root, key);
  await writeFile(path, OLD);
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

/** Reads the file; `meanwhile` runs once its first bytes have been read. */
async function readWhile(meanwhile: () => Promise<unknown>): Promise<Buffer> {
  const { body } = await (await createLocalBackend({ root })).get(key);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    if (chunks.length === 0) await meanwhile();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

describe("a file that moves while it is read", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["deleted", () => unlink(path)],
    ["renamed", () => rename(path, join(root, "b.bin"))],
    [
      "replaced by a put",
      async () => (await createLocalBackend({ root })).put(key, Buffer.alloc(BYTES, "new")),
    ],
    [
      "replaced by another program",
      async () => {
        await writeFile(join(root, "other"), Buffer.alloc(BYTES, "new"));
        await rename(join(root, "other"), path);
      },
    ],
  ])("is read to its end when it is %s", async (_, meanwhile) => {
    expect((await readWhile(meanwhile)).equals(OLD)).toBe(true);
  });

  it.each<[string, () => Promise<unknown>]>([
    ["appended to", () => appendFile(path, "more")],
    ["edited", () => writeFile(path, Buffer.alloc(BYTES, "new"))],
    ["given another time", () => utimes(path, 1_000_000, 1_000_000)],
  ])("ends with precondition_failed when it is %s in place", async (_, meanwhile) => {
    await expect(readWhile(meanwhile)).rejects.toMatchObject({ code: "precondition_failed" });
  });
});
