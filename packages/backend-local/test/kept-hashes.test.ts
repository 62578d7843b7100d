import { existsSync } from "node:fs";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import { parseKey } from "@parquetry/core";
import { abilitiesOf, prefixed } from "@parquetry/core/backend";
import { describe, expect, it, vi } from "vitest";

const MINUTE_MS = 60_000;
const TMPFS = 0x01021994;

/** Whether the hash of a file just written in a folder may be kept, if it was read some minutes from now. */
async function mayKeep(parent: string, minutes: number): Promise<boolean | undefined> {
  const folder = await mkdtemp(join(parent, "parquetry-kept-"));
  try {
    await writeFile(join(folder, "file"), "content");
    const backend = await createLocalBackend({ root: parent });
    const below = prefixed(backend, parseKey(folder.slice(parent.length + 1)));
    const info = await below.head(parseKey("file"));
    const { hashedReads } = abilitiesOf(below);
    const readAt = Date.now() + minutes * MINUTE_MS;
    const may = await hashedReads?.mayKeepHash(info.key, info.etag, readAt);
    vi.useFakeTimers({ now: readAt, toFake: ["Date"] });
    // On a busy machine the disk can look slow, and then the file is left to `get`.
    const [hashed] = (await hashedReads?.hashTogether?.([info])) ?? [];
    if (hashed !== undefined) expect(hashed.mayKeep).toBe(may);
    await backend.close();
    return may;
  } finally {
    vi.useRealTimers();
    await rm(folder, { recursive: true });
  }
}

describe("mayKeepHash", () => {
  it("is false for a file that was changed less than ten minutes before it was read", async () => {
    for (const minutes of [-60, 0, 9]) expect(await mayKeep(tmpdir(), minutes)).toBe(false);
  });

  it("is true for a file that was left alone for ten minutes, on a disk", async (context) => {
    context.skip((await statfs(tmpdir())).type === TMPFS, "the temporary folder is on a tmpfs");
    expect(await mayKeep(tmpdir(), 11)).toBe(true);
  });

  it("is false on tmpfs, whose files may change and keep their times", async (context) => {
    const isTmpfs = existsSync("/dev/shm") && (await statfs("/dev/shm")).type === TMPFS;
    context.skip(!isTmpfs, "/dev/shm is not a tmpfs");
    expect(await mayKeep("/dev/shm", 11)).toBe(false);
  });
});
