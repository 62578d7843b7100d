import { hash, randomUUID } from "node:crypto";
import {
  type Dirent,
  existsSync,
  readdirSync,
  rename,
  type Stats,
  statSync,
  utimesSync,
  writeFile,
} from "node:fs";
import { type FileHandle, mkdir, open, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isStorageError, StorageError } from "@parquetry/core";
import { type CustomKind, checkArgument, isOfKind, yieldIfDue } from "@parquetry/core/unstable";
import { type CreatingThread, startCreatingThread } from "./creating-thread.ts";

/** The default size of a cache, in bytes. */
export const DEFAULT_CACHE_BYTES: number = 10 * 1024 ** 3;

/** Files that were used this recently may be open in some process, so they are not evicted even above the limit. */
const IN_USE_MS = 10 * 60_000;
/** A part that is older is the remainder of a crash. */
const STALE_PART_MS = 60 * 60_000;
/** Eviction goes down to this share of the limit, so that the next file does not start it again. */
const KEEP_SHARE = 0.9;
/** The unit of `blocks`, on every file system. */
const BLOCK_BYTES = 512;
/** A thread, which takes 30 ms to start, creates the files of a query that gets at least this many. */
const THREAD_FILES = 500;
/** The largest file that it creates, in bytes. */
const THREAD_BYTES = 1024 * 1024;
/** The use of a file is recorded at most this often. */
const TOUCH_EVERY_MS = 60_000;

// They take half the processor time of their counterparts in node:fs/promises, which counts for many small files.
const writeWhole = promisify(writeFile);
const renameFile = promisify(rename);

/** The identity of a cached file: a change in any of these makes another file. */
export interface CacheName {
  /** The store, such as `s3://bucket`. */
  readonly store: string;
  /** The key in it. */
  readonly key: string;
  /** The version of the object. */
  readonly etag: string;
  /** The conversion that made it, with its options. Default: a copy. */
  readonly derived?: string | undefined;
}

/**
 * A directory of immutable files, named by the hash of what they were made from. A file appears whole, by rename, so any number of
 * processes can share the directory. A crash leaves at most a part, which is removed later. Above the limit, the least recently
 * used files are evicted first.
 */
export class FileCache {
  /** The directory, without links. */
  readonly path: string;
  /** Why nothing can be cached here. Thrown only when something has to be. */
  readonly #unusable: StorageError | undefined;
  readonly #maxBytes: number;
  readonly #startThread: typeof startCreatingThread;
  readonly #loading = new Map<string, Promise<string>>();
  /** The folders that exist. */
  readonly #folders = new Set<string>();
  #writtenBytes = 0;
  #swept = false;
  /** Creates small files while many are got. Undefined before the first one. */
  #thread: { readonly started: CreatingThread | undefined } | undefined;
  #threadUsers = 0;

  private constructor(
    path: string,
    maxBytes: number,
    startThread: typeof startCreatingThread,
    unusable?: StorageError,
  ) {
    this.path = path;
    this.#maxBytes = maxBytes;
    this.#startThread = startThread;
    this.#unusable = unusable;
  }

  /** Opens the cache and creates its directory. If that fails, only calls that have to cache something fail. */
  static async open(
    path: string,
    maxBytes: number = DEFAULT_CACHE_BYTES,
    startThread: typeof startCreatingThread = startCreatingThread,
  ): Promise<FileCache> {
    const files = join(path, "files");
    try {
      await mkdir(files, { recursive: true });
      return new FileCache(await realpath(files), maxBytes, startThread);
    } catch (error) {
      return new FileCache(files, maxBytes, startThread, unwritable(files, error));
    }
  }

  /** False where the directory does not exist and cannot be created. */
  get isUsable(): boolean {
    return this.#unusable === undefined;
  }

  /** The path of a cached file, or undefined. Counts as a use. */
  find(name: CacheName): string | undefined {
    return this.isUsable ? used(this.#pathOf(name)) : undefined;
  }

  /** The path of a file, which `load` provides if it is not cached. Concurrent calls for one name share one load. */
  get(name: CacheName, load: () => Promise<Uint8Array>): Promise<string> {
    return this.#once(name, async (path) => {
      const bytes = await load();
      await this.#place(path, (part) => this.#create(part, path, bytes));
      this.#writtenBytes += bytes.byteLength;
    });
  }

  /** Runs something that gets about this many files: if they are many, a thread creates those that are not cached. */
  async getting<T>(files: number, run: () => Promise<T>): Promise<T> {
    return files < THREAD_FILES || !this.isUsable ? run() : this.#usingThread(run);
  }

  /**
   * The path of a file, which `write` makes if it is not cached. Bytes that it does not write are a hole that takes no space.
   *
   * @throws StorageError `permission_denied` where the directory cannot be written; `unavailable` where the disk is full.
   */
  make(name: CacheName, write: (handle: FileHandle) => Promise<void>): Promise<string> {
    return this.#once(name, (path) =>
      this.#place(path, async (part) => {
        // Fetched bytes can be read back, for their hash.
        const handle = await open(part, "wx+");
        try {
          await write(handle);
          this.#writtenBytes += bytesOnDisk(await handle.stat());
        } finally {
          await handle.close();
        }
        await renameFile(part, path);
      }),
    );
  }

  /** The number of cached files, and their bytes on disk. */
  async size(): Promise<{ readonly files: number; readonly bytes: number }> {
    const files = await this.#list();
    return { files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  /** Removes everything. A concurrent query fetches again, or fails if it was reading. */
  async clear(): Promise<void> {
    for (const { path } of await this.#list()) {
      await rm(path, { force: true }).catch((error: unknown) => {
        throw explained(error, this.path);
      });
    }
  }

  /** Evicts files above the limit. Called after files were added. */
  async trim(): Promise<void> {
    const due = !this.#swept || this.#writtenBytes > this.#maxBytes / 20;
    if (!due || this.#writtenBytes === 0) return;
    this.#swept = true;
    this.#writtenBytes = 0;
    const files = await this.#list();
    let total = files.reduce((sum, { bytes }) => sum + bytes, 0);
    const now = Date.now();
    for (const { path } of files.filter((file) => file.isPart && now - file.usedMs > STALE_PART_MS)) {
      await removed(path);
    }
    if (total <= this.#maxBytes) return;
    const candidates = files
      .filter((file) => !file.isPart && now - file.usedMs > IN_USE_MS)
      .sort((a, b) => a.usedMs - b.usedMs);
    for (const { path, bytes } of candidates) {
      if (total <= this.#maxBytes * KEEP_SHARE) break;
      if (await removed(path)) total -= bytes;
    }
  }

  async #once(name: CacheName, create: (path: string) => Promise<void>): Promise<string> {
    if (this.#unusable !== undefined) throw this.#unusable;
    const path = this.#pathOf(name);
    const loading = this.#loading.get(path);
    if (loading !== undefined) {
      try {
        return await loading;
      } catch (error) {
        // The caller that it was loaded for has gone, but this one has not.
        if (!isStorageError(error, "aborted")) throw error;
        return this.#once(name, create);
      }
    }
    if (used(path) !== undefined) return path;
    const made = create(path).then(() => path);
    this.#loading.set(path, made);
    try {
      return await made;
    } finally {
      this.#loading.delete(path);
    }
  }

  async #create(part: string, path: string, bytes: Uint8Array): Promise<void> {
    if (this.#threadUsers > 0 && bytes.byteLength <= THREAD_BYTES) {
      this.#thread ??= { started: this.#startThread() };
      const { started } = this.#thread;
      if (started !== undefined) {
        if (await this.#usingThread(() => started.create(part, path, bytes))) return;
        // It ended, and may have begun the file.
        await rm(part, { force: true });
      }
    }
    await writeWhole(part, bytes, { flag: "wx" });
    await renameFile(part, path);
  }

  /** The thread ends with its last user. */
  async #usingThread<T>(run: () => Promise<T>): Promise<T> {
    this.#threadUsers++;
    try {
      return await run();
    } finally {
      this.#threadUsers--;
      if (this.#threadUsers === 0) {
        const thread = this.#thread;
        this.#thread = undefined;
        await thread?.started?.close();
      }
    }
  }

  /** Lets `create` write a part and rename it to `path`. */
  async #place(path: string, create: (part: string) => Promise<void>): Promise<void> {
    const folder = path.slice(0, path.lastIndexOf("/"));
    const part = `${path}.${randomUUID()}.part`;
    const isKnown = this.#folders.has(folder);
    try {
      if (!isKnown) await mkdir(folder, { recursive: true });
      this.#folders.add(folder);
      await create(part);
    } catch (error) {
      this.#folders.delete(folder);
      // Another process may have removed the folder.
      if (isKnown && isMissing(error)) return this.#place(path, create);
      await rm(part, { force: true }).catch(() => {});
      throw explained(error, this.path);
    }
  }

  #pathOf({ store, key, etag, derived = "" }: CacheName): string {
    const name = hash("sha256", JSON.stringify([store, key, etag, derived]));
    return `${this.path}/${name.slice(0, 2)}/${name.slice(2)}`;
  }

  async #list(): Promise<CachedFile[]> {
    if (this.#unusable !== undefined) throw this.#unusable;
    const files: CachedFile[] = [];
    const folders = [this.path];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const entry of this.#entriesOf(folder)) {
        await yieldIfDue();
        const path = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(path);
        const found = entry.isFile() ? statSync(path, { throwIfNoEntry: false }) : undefined;
        // Another process may have removed it.
        if (found === undefined) continue;
        const [bytes, isPart] = [bytesOnDisk(found), entry.name.endsWith(".part")];
        files.push({ path, bytes, usedMs: found.mtimeMs, isPart });
      }
    }
    return files;
  }

  #entriesOf(folder: string): readonly Dirent[] {
    try {
      return readdirSync(folder, { withFileTypes: true });
    } catch (error) {
      // Another process may have removed the folder.
      if (isMissing(error)) return [];
      throw explained(error, this.path);
    }
  }
}

/** The path, if there is a file. Its time is that of its last use. */
function used(path: string): string | undefined {
  // Where there is none, this takes a fifth of the time of a stat.
  if (!existsSync(path)) return undefined;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const now = Date.now();
  if (now - found.mtimeMs > TOUCH_EVERY_MS) {
    try {
      utimesSync(path, now / 1000, now / 1000);
    } catch (error) {
      if (isMissing(error)) return undefined;
      // A file of another user, or on a read-only disk, can be read all the same.
    }
  }
  return path;
}

/** Removes a file, if that is possible: one of another user may stay. */
async function removed(path: string): Promise<boolean> {
  return rm(path, { force: true }).then(
    () => true,
    () => false,
  );
}

/** The error of a system call, as the user can act on it. */
function explained(error: unknown, place: string): unknown {
  if (isCode(error, "ENOSPC")) return full(place, error);
  return error instanceof Error && "syscall" in error ? unwritable(place, error) : error;
}

const ELSEWHERE = "choose another directory with PARQUETRY_CACHE_DIR or the option cacheDirectory";

function unwritable(path: string, cause: unknown): StorageError {
  const reason = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
  return new StorageError({
    code: "permission_denied",
    op: "cache",
    path,
    message: `cache: cannot write to ${path}${reason}, where fetched and converted files are cached. Make it writable, or ${ELSEWHERE}.`,
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

/** The disk space of a file: less than its size where it has holes. Windows does not report it. */
function bytesOnDisk({ size, blocks }: Stats): number {
  return blocks > 0 ? Math.min(size, blocks * BLOCK_BYTES) : size;
}

function isMissing(error: unknown): boolean {
  return isCode(error, "ENOENT");
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

const DIRECTORY: CustomKind = {
  expected: "the path of a directory",
  // An empty path would be the working directory.
  is: (value) => isOfKind("string", value) && value !== "",
};

/**
 * Returns the number of files in a cache, and their bytes on disk.
 *
 * @example
 * ```ts
 * await inspectCache("/var/cache/parquetry"); // { files: 12, bytes: 48_234_496 }
 * ```
 */
export async function inspectCache(
  directory: string,
): Promise<{ readonly files: number; readonly bytes: number }> {
  checkArgument(directory, DIRECTORY, "directory", "inspectCache");
  return (await FileCache.open(directory)).size();
}

/**
 * Removes all files of the cache in a directory. A query that runs at the same time downloads again, or fails.
 *
 * @example
 * ```ts
 * await clearCache("/var/cache/parquetry");
 * ```
 */
export async function clearCache(directory: string): Promise<void> {
  checkArgument(directory, DIRECTORY, "directory", "clearCache");
  await (await FileCache.open(directory)).clear();
}
