import { hash, randomBytes } from "node:crypto";
import { mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalBackend } from "@parquetry/backend-local";
import {
  abilitiesOf,
  type HashedWrites,
  parseKey,
  type ReplayableBody,
  type StorageBackend,
} from "@parquetry/core/backend";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startReadingThread } from "../dist/reading-thread.js";

const MIB = 1024 * 1024;
const KEY = parseKey("a/b");
/** Two ranges and a part of a third one. */
const CONTENT = randomBytes(70 * MIB + 1234);
const PART_BYTES = 8 * MIB;
const MD5S = Array.from({ length: 9 }, (_, i) =>
  hash("md5", CONTENT.subarray(i * PART_BYTES, (i + 1) * PART_BYTES), "hex"),
);

let root: string;
let backend: StorageBackend;
let writes: HashedWrites;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "parquetry-hashed-writes-"));
  backend = await createLocalBackend({ root });
  const { hashedWrites } = abilitiesOf(backend);
  if (hashedWrites === undefined) throw new Error("a directory has hashed writes");
  writes = hashedWrites;
});

afterEach(async () => {
  await backend.close();
  await rm(root, { recursive: true, force: true });
});

/** The content in chunks, all of them in one memory that is used again, as some streams do. */
function content(onChunk: (position: number) => unknown = () => {}): ReplayableBody {
  return {
    sizeBytes: CONTENT.byteLength,
    async *open({ start, end = CONTENT.byteLength } = { start: 0 }) {
      const memory = Buffer.alloc(100_000);
      for (let at = start; at < end; at += memory.byteLength) {
        await onChunk(at);
        const size = CONTENT.copy(memory, 0, at, Math.min(end, at + memory.byteLength));
        yield memory.subarray(0, size);
      }
    },
  };
}

const files = async (): Promise<string[]> => {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  return found.filter((entry) => entry.isFile()).map(({ name }) => name);
};

describe("hashed writes", () => {
  it("read up to four ranges concurrently, and store and hash them", async () => {
    const open = new Set<number>();
    let most = 0;
    const body = content();
    const counted: ReplayableBody = {
      sizeBytes: body.sizeBytes,
      async *open(range = { start: 0 }) {
        open.add(range.start);
        most = Math.max(most, open.size);
        yield* body.open(range);
        open.delete(range.start);
      },
    };
    let shown: readonly string[] = [];
    const check = (md5s: readonly string[]): void => {
      shown = md5s;
    };
    await writes.put(KEY, counted, { partSizeBytes: PART_BYTES, check });
    expect(most).toBe(Math.ceil(CONTENT.byteLength / writes.rangeBytes));
    expect(shown).toEqual(MD5S);
    expect((await readFile(join(root, KEY))).equals(CONTENT)).toBe(true);
  });

  it("leave nothing behind when the signal fires, and release all memory", async () => {
    for (let i = 0; i < 3; i++) {
      const controller = new AbortController();
      const stopping = content((at) => at > 40 * MIB && controller.abort());
      const put = writes.put(KEY, stopping, {
        partSizeBytes: PART_BYTES,
        check() {},
        signal: controller.signal,
      });
      await expect(put).rejects.toMatchObject({ code: "aborted" });
      expect(await files()).toEqual([]);
    }
    const stored = await writes.put(KEY, content(), { partSizeBytes: PART_BYTES, check() {} });
    // These take all of the memory, so none of it may be missing.
    const all = [0, 1, 2, 3].map((i) =>
      abilitiesOf(backend).hashedReads?.read(KEY, stored ?? { sizeBytes: 0, etag: "" }, {
        range: { start: i * PART_BYTES, end: (i + 1) * PART_BYTES },
      }),
    );
    const reads = await Promise.all(all);
    expect(reads.map((read) => read?.md5)).toEqual(MD5S.slice(0, 4));
    for (const read of reads) read?.release();
  });

  it("return undefined and store nothing if the backend is closed in the meantime", async () => {
    const closing = content((at) => (at > 40 * MIB ? backend.close() : undefined));
    const put = writes.put(KEY, closing, { partSizeBytes: PART_BYTES, check() {} });
    expect(await put).toBeUndefined();
    expect(await files()).toEqual([]);
  });

  it("fail if the file holds other bytes than were written", async () => {
    const path = join(root, "appended");
    await writeFile(path, "what was there before");
    // The system appends to this file, whatever the position, so the bytes arrive elsewhere.
    const file = await open(path, "a+");
    const thread = startReadingThread(() => {});
    try {
      const piece = await thread.take(64);
      if (piece === undefined) throw new Error("the thread has not started");
      piece.bytes.fill(7);
      const place = { descriptor: file.fd, position: 0 };
      const added = thread.beginPart().add(piece, { length: 64, isLast: true, file: place });
      await expect(added).rejects.toThrow("the file holds other bytes at 0 than were written");
    } finally {
      await thread.close();
      await file.close();
    }
  });

  it("fail with the system's reason if the file cannot be written", async () => {
    const path = join(root, "read-only");
    await writeFile(path, "x");
    const file = await open(path, "r");
    const thread = startReadingThread(() => {});
    try {
      const piece = await thread.take(64);
      if (piece === undefined) throw new Error("the thread has not started");
      const place = { descriptor: file.fd, position: 0 };
      const added = thread.beginPart().add(piece, { length: 64, isLast: true, file: place });
      await expect(added).rejects.toMatchObject({ code: "EBADF" });
    } finally {
      await thread.close();
      await file.close();
    }
  });
});
