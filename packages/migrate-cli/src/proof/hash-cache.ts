import { hash } from "node:crypto";
import { closeSync, mkdirSync, openSync, readFileSync, statSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type CustomKind, checkOptions, invalid } from "@parquetry/core/unstable";
import { NAME_BYTES, RECORD_BYTES, RecordTable, VALUE_BYTES } from "../spool/record-table.ts";

/**
 * A cache file that is larger than this is emptied, in bytes: 30 million records. It must hold all files of a disk, which would be
 * read again in every run otherwise, and it is read into memory.
 */
export const MAX_CACHE_BYTES: number = 1024 * 1024 * 1024;

const MD5_BYTES = 16;
const NO_MD5: string = "0".repeat(2 * MD5_BYTES);

/** How many records are written together. */
const WRITE_TOGETHER = 256;

/** Keeps the MD5 of files by URL and ETag, so that a file which did not change is not read again. */
export interface HashCache {
  /** Whether nothing is recorded, so that there is nothing to look up. Default: unknown. */
  readonly isEmpty?: boolean;
  /** Returns the MD5 recorded for a version of a file in hex, or undefined. */
  get(url: string, etag: string): string | undefined;
  /** Records an MD5, 32 hexadecimal digits in lower case. `atOnce` writes it immediately, for hashes that it would cost a GET to learn again. */
  set(url: string, etag: string, md5: string, atOnce?: boolean): void;
  /** Writes the pending records. Later calls of `set` are not written. */
  close(): void;
}

/** The kind of an option that takes a {@link HashCache}. */
export const HASH_CACHE_KIND: CustomKind = {
  expected: "a HashCache, as openHashCache(path) returns",
  is: (value) =>
    typeof value === "object" &&
    value !== null &&
    ["get", "set"].every((name) => typeof Reflect.get(value, name) === "function"),
};

/**
 * Opens a cache file, and creates it and its folder if they do not exist. A changed object has another ETag, so it does not get
 * its old hash. Migration and verification do not record a local file that was changed in the last ten minutes, since its ETag
 * (inode, size, mtime and ctime) may survive another edit. The cache takes 36 bytes a file. Records have a fixed size and are
 * only appended; an incomplete last record, after a crash, is dropped, and a damaged one is ignored.
 *
 * If the file cannot be read or written, `onProblem` is called with the reason, and the cache works in memory alone.
 *
 * @throws StorageError `invalid_argument` for a path that is not a string.
 * @example
 * ```ts
 * const cache = openHashCache(join(homedir(), ".cache/parquetry/md5"));
 * ```
 */
export function openHashCache(path: string, onProblem: (problem: string) => void = () => {}): HashCache {
  // A missing path becomes null, since an undefined option passes.
  const given = { path: path ?? null, onProblem };
  checkOptions(given, { path: "string", onProblem: "function" }, "openHashCache");
  let records: Buffer = Buffer.alloc(0);
  let file: number | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    // Opening or reading a pipe would wait for ever.
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) throw new Error("it is not a file");
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
    get isEmpty() {
      return table.isEmpty;
    },
    get(url, etag) {
      checkRecord("get", url, etag, NO_MD5);
      const name = recordName(url, etag);
      const value = table.get(name);
      const md5 = value?.subarray(0, MD5_BYTES);
      return md5 !== undefined && checked(name, md5).equals(value ?? md5) ? md5.toString("hex") : undefined;
    },
    set(url, etag, md5, atOnce = false) {
      checkRecord("set", url, etag, md5);
      const name = recordName(url, etag);
      const value = checked(name, Buffer.from(md5, "hex"));
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

/** The value of a record: an MD5, and the start of a hash by which a damaged record is recognised. */
function checked(name: Buffer, md5: Buffer): Buffer {
  const check = hash("md5", Buffer.concat([name, md5]), "buffer");
  return Buffer.concat([md5, check]).subarray(0, VALUE_BYTES);
}

/** Checks the arguments of a call, for callers without types: a record of another length would displace all later ones. */
function checkRecord(op: string, url: string, etag: string, md5: unknown): void {
  if (
    typeof url !== "string" ||
    typeof etag !== "string" ||
    typeof md5 !== "string" ||
    !/^[0-9a-f]{32}$/.test(md5)
  )
    throw invalid(
      `HashCache.${op}`,
      "url and etag must be strings, and md5 32 hexadecimal digits in lower case",
    );
}
