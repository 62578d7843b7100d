import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, statSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Above this many bytes a cache is begun anew: most of it is about files that have changed since. */
export const MAX_CACHE_BYTES: number = 128 * 1024 * 1024;

const NAME_BYTES = 16;
const RECORD_BYTES = 32;

/** Remembers the MD5 of content by where it lies and by its ETag, so that what did not change is not read again. */
export interface HashCache {
  /** The MD5 in hex remembered for a version of a content, or undefined. */
  get(url: string, etag: string): string | undefined;
  /** Remembers one. `atOnce` writes it now: where it cannot be learned again without reading a bucket. */
  set(url: string, etag: string, md5: string, atOnce?: boolean): void;
  /** Writes what is pending. Later calls of `set` are not kept. */
  close(): void;
}

/**
 * Opens a cache file, making it and its folder where missing. A backend's ETag is strong (a local one holds inode, size,
 * mtime and ctime in nanoseconds), so a changed file is never found under its old content. Records have a fixed size and
 * are only appended: a torn last one, after a crash, is dropped. 32 bytes a file.
 *
 * A cache that cannot be read or written is as good as an empty one: `onProblem` is told, and everything still works.
 *
 * @example
 * ```ts
 * const cache = openHashCache(join(homedir(), ".cache/parquetry/md5"));
 * ```
 */
export function openHashCache(path: string, onProblem: (problem: string) => void = () => {}): HashCache {
  const fresh = new Map<string, string>();
  let records: Buffer = Buffer.alloc(0);
  let file: number | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    file = openSync(path, "a+", 0o600);
    const { size } = statSync(path);
    if (size > MAX_CACHE_BYTES) truncateSync(path, 0);
    else {
      if (size % RECORD_BYTES !== 0) truncateSync(path, size - (size % RECORD_BYTES));
      records = readFileSync(path);
    }
  } catch (error) {
    onProblem(`the cache of file hashes ${path} cannot be used: ${String(error)}`);
  }
  const slots = indexRecords(records);
  let pending: Buffer[] = [];

  const flush = (): void => {
    const bytes = Buffer.concat(pending);
    pending = [];
    if (file === undefined || bytes.byteLength === 0) return;
    try {
      writeSync(file, bytes);
    } catch (error) {
      onProblem(`the cache of file hashes ${path} cannot be written: ${String(error)}`);
      closeSync(file);
      file = undefined;
    }
  };

  return {
    get(url, etag) {
      const name = recordName(url, etag);
      const known = fresh.get(name.toString("latin1"));
      if (known !== undefined) return known;
      const at = findRecord(records, slots, name);
      return at < 0 ? undefined : records.toString("hex", at + NAME_BYTES, at + RECORD_BYTES);
    },
    set(url, etag, md5, atOnce = false) {
      const name = recordName(url, etag);
      fresh.set(name.toString("latin1"), md5);
      pending.push(Buffer.concat([name, Buffer.from(md5, "hex")]));
      if (atOnce || pending.length >= 256) flush();
    },
    close() {
      flush();
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

function recordName(url: string, etag: string): Buffer {
  return createHash("sha256").update(url).update("\0").update(etag).digest().subarray(0, NAME_BYTES);
}

/** An open-addressing table over the records: 4 bytes a slot instead of an object for each file. */
function indexRecords(records: Buffer): Int32Array {
  const count = Math.floor(records.byteLength / RECORD_BYTES);
  const slots = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(2, count * 2)))).fill(-1);
  for (let record = 0; record < count; record++) {
    let slot = records.readUInt32LE(record * RECORD_BYTES) % slots.length;
    while (slots[slot] !== -1) slot = (slot + 1) % slots.length;
    slots[slot] = record;
  }
  return slots;
}

/** Where the record of that name starts, or -1. */
function findRecord(records: Buffer, slots: Int32Array, name: Buffer): number {
  let slot = name.readUInt32LE(0) % slots.length;
  for (;;) {
    const record = slots[slot] ?? -1;
    if (record < 0) return -1;
    const at = record * RECORD_BYTES;
    if (records.compare(name, 0, NAME_BYTES, at, at + NAME_BYTES) === 0) return at;
    slot = (slot + 1) % slots.length;
  }
}
