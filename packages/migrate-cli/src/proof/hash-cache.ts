import { hash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, statSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { NAME_BYTES, RECORD_BYTES, RecordTable } from "../spool/record-table.ts";

/** Above this many bytes a cache is begun anew: most of it is about files that have changed since. */
export const MAX_CACHE_BYTES: number = 128 * 1024 * 1024;

/** So many records are written together. */
const WRITE_TOGETHER = 256;

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
  const table = new RecordTable(records);
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
    get: (url, etag) => table.get(recordName(url, etag))?.toString("hex"),
    set(url, etag, md5, atOnce = false) {
      const name = recordName(url, etag);
      const value = Buffer.from(md5, "hex");
      if (table.set(name, value)) pending.push(name, value);
      if (atOnce || pending.length >= 2 * WRITE_TOGETHER) flush();
    },
    close() {
      flush();
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

function recordName(url: string, etag: string): Buffer {
  return hash("sha256", `${url}\0${etag}`, "buffer").subarray(0, NAME_BYTES);
}
