import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, parseKey, type StorageBackend } from "@parquetry/core";
import { openBackend } from "@parquetry/storage/backend";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type HashCache, openHashCache, verifyMigration } from "../src/index.ts";

const PYTHON = process.env["PARQUETRY_PYTHON"] ?? "python3";
const BEFORE = Buffer.alloc(8192, "A");
const AFTER = Buffer.alloc(8192, "B");
const SET_BACK = new Date("2024-01-01T00:00:00Z");

let folder: string;
let file: string;
let source: StorageBackend;
let target: StorageBackend;
let hashCache: HashCache;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "parquetry-kept-"));
  mkdirSync(join(folder, "root", "raw"), { recursive: true });
  file = join(folder, "root", "raw", "a");
  writeFileSync(file, BEFORE);
  utimesSync(file, SET_BACK, SET_BACK);
  source = await openBackend(join(folder, "root"));
  target = createMemoryBackend();
  await target.put(parseKey("raw/a"), BEFORE);
  hashCache = openHashCache(join(folder, "md5"));
});
afterEach(async () => {
  vi.useRealTimers();
  hashCache.close();
  await source.close();
  rmSync(folder, { recursive: true });
});

/** The verdict on the file, and how many of its bytes were read for it. */
async function verify(level = "etag"): Promise<readonly [string, number]> {
  let read = 0;
  const found = await verifyMigration(source, target, {
    level,
    hashCache,
    onProgress: (event) => {
      if (event.type === "read" && event.side === "source") read += event.bytes;
    },
  });
  found.close();
  return [found.equal && found.unverifiable.length === 0 ? "equal" : "not equal", read];
}

/** The clock of this process alone, so that the files are eleven minutes old. */
function letTimePass(): void {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11 * 60_000 });
}

const edits: Readonly<Record<string, () => void>> = {
  "in place, with its mtime set back": () => {
    const descriptor = openSync(file, "r+");
    writeSync(descriptor, AFTER);
    closeSync(descriptor);
    utimesSync(file, SET_BACK, SET_BACK);
  },
  "by a rename, with the same size and mtime": () => {
    writeFileSync(`${file}.new`, AFTER);
    utimesSync(`${file}.new`, SET_BACK, SET_BACK);
    renameSync(`${file}.new`, file);
  },
  "through a hard link, with its mtime set back": () => {
    linkSync(file, join(folder, "link"));
    writeFileSync(join(folder, "link"), AFTER);
    utimesSync(join(folder, "link"), SET_BACK, SET_BACK);
  },
};

describe("the hash cache", () => {
  it("saves reading a file that was left alone for ten minutes, except with --level full", async (context) => {
    context.skip(statfsSync(folder).type === 0x01021994, "the temporary folder is on a tmpfs");
    letTimePass();
    expect(await verify()).toEqual(["equal", BEFORE.length]);
    expect(await verify()).toEqual(["equal", 0]);
    expect(await verify("full")).toEqual(["equal", BEFORE.length]);
  });

  it("does not save reading a file that was changed in the last ten minutes, or after the clock was set back", async () => {
    for (let i = 0; i < 2; i++) expect(await verify()).toEqual(["equal", BEFORE.length]);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 3_600_000 });
    for (let i = 0; i < 2; i++) expect(await verify()).toEqual(["equal", BEFORE.length]);
  });

  it.each(Object.keys(edits))("does not hide an edit %s", async (name) => {
    letTimePass();
    expect(await verify()).toEqual(["equal", BEFORE.length]);
    edits[name]?.();
    expect(statSync(file).mtime).toEqual(SET_BACK);
    expect(await verify()).toEqual(["not equal", BEFORE.length]);
  });

  it("is not believed where a record is damaged", async () => {
    letTimePass();
    await verify();
    hashCache.close();
    const path = join(folder, "md5");
    const good = readFileSync(path);
    for (let bit = 0; bit < good.length * 8; bit += 11) {
      const bad = Buffer.from(good);
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(path, bad);
      hashCache = openHashCache(path);
      expect(await verify()).toEqual(["equal", BEFORE.length]);
      hashCache.close();
    }
  });

  it("does not hide an edit through an open memory mapping that leaves all times as they were", async (context) => {
    const script = `
import mmap, sys
f = open(sys.argv[1], "r+b")
m = mmap.mmap(f.fileno(), 0)
for line in sys.stdin:
    m[0:1] = line[0].encode()
    print("stored", flush=True)
`;
    const python: ChildProcess = spawn(PYTHON, ["-c", script, file], { stdio: ["pipe", "pipe", "inherit"] });
    const started = await Promise.race([
      once(python, "spawn").then(() => true),
      once(python, "error").then(() => false),
    ]);
    context.skip(!started, `${PYTHON} cannot be started`);
    const store = async (char: string): Promise<void> => {
      const stored = once(python.stdout ?? python, "data");
      python.stdin?.write(`${char}\n`);
      await stored;
    };
    try {
      await store("A");
      const version = (await source.head(parseKey("raw/a"))).etag;
      expect((await verify())[0]).toBe("equal");
      await store("B");
      expect((await source.head(parseKey("raw/a"))).etag).toBe(version);
      expect((await verify())[0]).toBe("not equal");
    } finally {
      python.stdin?.end();
      await once(python, "exit");
    }
  });
});
