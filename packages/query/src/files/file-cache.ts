import { createHash, randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { type FileHandle, mkdir, open, readdir, realpath, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { StorageError } from "@parquetry/core";

/** How much a cache keeps by default, in bytes. */
export const DEFAULT_CACHE_BYTES: number = 10 * 1024 ** 3;

/** Files used so recently may be open in some process: they are not evicted whatever the limit says. */
const IN_USE_MS = 10 * 60_000;
/** A part that is older was left behind by a crash. */
const STALE_PART_MS = 60 * 60_000;
/** Eviction goes down to this share of the limit, so that the next file does not start it again. */
const KEEP_SHARE = 0.9;
/** The unit of `blocks`, whatever the file system's own is. */
const BLOCK_BYTES = 512;
/** The use of a file is noted at most this often. */
const TOUCH_EVERY_MS = 60_000;

/** What a cached file was made of: a change in any of these is another file. */
export interface CacheName {
  /** The store, such as `s3://bucket`. */
  readonly store: string;
  /** The key in it. */
  readonly key: string;
  /** The version of the object. */
  readonly etag: string;
  /** What was done to it, such as a conversion with its options. Default: nothing. */
  readonly derived?: string | undefined;
}

/**
 * A directory of files that never change, named by the hash of what they were made of. A file appears whole, by rename,
 * so any number of processes may share it; a crash leaves at most a part that is swept away later. The least recently
 * used go first when the limit is passed.
 */
export class FileCache {
  /** The directory, without links. */
  readonly path: string;
  /** Why nothing can be kept here. Matters only where something has to be. */
  readonly #unusable: StorageError | undefined;
  readonly #maxBytes: number;
  readonly #loading = new Map<string, Promise<string>>();
  #writtenBytes = 0;
  #swept = false;

  private constructor(path: string, maxBytes: number, unusable?: StorageError) {
    this.path = path;
    this.#maxBytes = maxBytes;
    this.#unusable = unusable;
  }

  /** Opens it, making the directory where there is none. Where that fails, only what has to be kept in it fails. */
  static async open(path: string, maxBytes: number = DEFAULT_CACHE_BYTES): Promise<FileCache> {
    const files = join(path, "files");
    try {
      await mkdir(files, { recursive: true });
      return new FileCache(await realpath(files), maxBytes);
    } catch (error) {
      return new FileCache(files, maxBytes, unwritable(files, error));
    }
  }

  /** False where its directory is not there and cannot be made. */
  get isUsable(): boolean {
    return this.#unusable === undefined;
  }

  /** The file of that name, or undefined where it is not here. Counts as a use. */
  async find(name: CacheName): Promise<string | undefined> {
    if (!this.isUsable) return undefined;
    const path = this.#pathOf(name);
    try {
      const { mtimeMs } = await stat(path);
      if (Date.now() - mtimeMs > TOUCH_EVERY_MS) await utimes(path, new Date(), new Date());
      return path;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** The file of that name; where it is not here, `load` gives its bytes. Calls for one name at a time share one load. */
  get(name: CacheName, load: () => Promise<AsyncIterable<Uint8Array>>): Promise<string> {
    return this.make(name, async (handle) => {
      // One write call may take less than the whole chunk; writeFile does not.
      for await (const chunk of await load()) await handle.appendFile(chunk);
    });
  }

  /**
   * The file of that name; where it is not here, `write` makes it. What it does not write is a hole that takes no space.
   *
   * @throws StorageError `permission_denied` where nothing can be kept here; `unavailable` where there is no space left.
   */
  async make(name: CacheName, write: (handle: FileHandle) => Promise<void>): Promise<string> {
    if (this.#unusable !== undefined) throw this.#unusable;
    const path = this.#pathOf(name);
    const loading = this.#loading.get(path);
    if (loading !== undefined) return loading;
    const made = this.#findOrMake(name, path, write);
    this.#loading.set(path, made);
    try {
      return await made;
    } finally {
      this.#loading.delete(path);
    }
  }

  /** How many files it holds, and their bytes. */
  async size(): Promise<{ readonly files: number; readonly bytes: number }> {
    const files = await this.#list();
    return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** Removes everything. A query that runs meanwhile fetches again, or fails where it was reading. */
  async clear(): Promise<void> {
    for (const { path } of await this.#list()) await rm(path, { force: true });
  }

  /** Evicts what is too much. Called after files were added. */
  async trim(): Promise<void> {
    const due = !this.#swept || this.#writtenBytes > this.#maxBytes / 20;
    if (!due || this.#writtenBytes === 0) return;
    this.#swept = true;
    this.#writtenBytes = 0;
    const files = await this.#list();
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const now = Date.now();
    for (const { path } of files.filter((file) => file.isPart && now - file.usedMs > STALE_PART_MS)) {
      await rm(path, { force: true });
    }
    if (total <= this.#maxBytes) return;
    const candidates = files
      .filter((file) => !file.isPart && now - file.usedMs > IN_USE_MS)
      .sort((a, b) => a.usedMs - b.usedMs);
    for (const { path, bytes } of candidates) {
      if (total <= this.#maxBytes * KEEP_SHARE) break;
      await rm(path, { force: true });
      total -= bytes;
    }
  }

  async #findOrMake(
    name: CacheName,
    path: string,
    write: (handle: FileHandle) => Promise<void>,
  ): Promise<string> {
    const found = await this.find(name);
    if (found !== undefined) return found;
    const folder = path.slice(0, path.lastIndexOf("/"));
    const part = `${path}.${randomUUID()}.part`;
    const handle = await openNew(folder, part, this.path);
    try {
      try {
        await write(handle);
        this.#writtenBytes += bytesOnDisk(await handle.stat());
      } finally {
        await handle.close();
      }
      await rename(part, path);
    } catch (error) {
      await rm(part, { force: true });
      throw isCode(error, "ENOSPC") ? full(this.path, error) : error;
    }
    return path;
  }

  #pathOf({ store, key, etag, derived = "" }: CacheName): string {
    const hash = createHash("sha256")
      .update(JSON.stringify([store, key, etag, derived]))
      .digest("hex");
    return `${this.path}/${hash.slice(0, 2)}/${hash.slice(2)}`;
  }

  async #list(): Promise<CachedFile[]> {
    if (this.#unusable !== undefined) throw this.#unusable;
    const files: CachedFile[] = [];
    for (const entry of await readdir(this.path, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      try {
        const found = await stat(path);
        files.push({
          path,
          bytes: bytesOnDisk(found),
          usedMs: found.mtimeMs,
          isPart: entry.name.endsWith(".part"),
        });
      } catch (error) {
        // Another process was faster.
        if (!isMissing(error)) throw error;
      }
    }
    return files;
  }
}

async function openNew(folder: string, part: string, place: string): Promise<FileHandle> {
  try {
    await mkdir(folder, { recursive: true });
    return await open(part, "wx");
  } catch (error) {
    throw isCode(error, "ENOSPC") ? full(place, error) : unwritable(place, error);
  }
}

const ELSEWHERE = "choose another place by PARQUETRY_CACHE_DIR or the option cacheDirectory";

function unwritable(path: string, cause: unknown): StorageError {
  const reason = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new StorageError({
    code: "permission_denied",
    op: "cache",
    path,
    message: `cache: nothing can be written below ${path}${reason}, where fetched and converted files are kept. Make it writable, or ${ELSEWHERE}.`,
    cause,
  });
}

function full(path: string, cause: unknown): StorageError {
  return new StorageError({
    code: "unavailable",
    op: "cache",
    path,
    retry: "never",
    message: `cache: no space left in ${path}. Free some, or ${ELSEWHERE}.`,
    cause,
  });
}

interface CachedFile {
  readonly path: string;
  readonly bytes: number;
  readonly usedMs: number;
  readonly isPart: boolean;
}

/** What a file takes of the disk: less than its size where it has holes. Windows does not say. */
function bytesOnDisk({ size, blocks }: Stats): number {
  return blocks > 0 ? Math.min(size, blocks * BLOCK_BYTES) : size;
}

function isMissing(error: unknown): boolean {
  return isCode(error, "ENOENT");
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** Counts what the cache in a directory holds. */
export async function inspectCache(
  directory: string,
): Promise<{ readonly files: number; readonly bytes: number }> {
  return (await FileCache.open(directory)).size();
}

/** Removes all files of the cache in a directory. A query that runs at the same time downloads again, or fails. */
export async function clearCache(directory: string): Promise<void> {
  await (await FileCache.open(directory)).clear();
}
