import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { type ScanFile, unseenKeys } from "../../files/scan-file.ts";

/**
 * Writes and removes joined files. DuckDB keeps the footer of each path that it has read, so the paths of removed files are used again: with
 * new ones, its memory would grow with each change of a table. It reads a footer again if the time of the file is another one.
 */
export class JoinedPaths {
  readonly #directory: string;
  /** By the folders of a file without the values of their keys, the folders that joined files are in. */
  readonly #folders = new Map<string, string>();
  /** By {@link poolOf}, the paths of removed files. */
  readonly #free = new Map<string, string[]>();
  /** The pool of each path in use. */
  readonly #pools = new Map<string, string>();
  #paths = 0;
  #writes = 0;

  /** @param directory an existing directory. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Writes a file that stands for `first` and others that are like it, and returns its path.
   *
   * @param keys the keys whose values DuckDB reads from its path of the file.
   */
  write(content: Uint8Array, first: ScanFile, keys: ReadonlySet<string>): string {
    const folder = this.#folderOf(first);
    const pool = poolOf(folder, first, keys);
    const path = this.#free.get(pool)?.pop() ?? this.#newPath(folder);
    this.#pools.set(path, pool);
    try {
      writeFileSync(path, content, { flag: "wx" });
      // Each file has another time, in seconds since 1970.
      utimesSync(path, ++this.#writes, this.#writes);
      return path;
    } catch (error) {
      this.remove(path);
      throw error;
    }
  }

  /** Removes a file that nothing reads any more. */
  remove(path: string): void {
    try {
      rmSync(path, { force: true });
    } catch {
      // Windows removes no file that another program has opened. The file stays until the database is closed.
      return;
    }
    const pool = this.#pools.get(path);
    if (pool === undefined) return;
    this.#pools.delete(path);
    this.#free.set(pool, [...(this.#free.get(pool) ?? []), path]);
  }

  /** DuckDB refuses a scan of files in whose paths it sees different keys, so joined files are in folders with the same ones. */
  #folderOf({ path, key }: ScanFile): string {
    const folder = key.slice(0, key.lastIndexOf("/") + 1);
    // The path of a cached file has no keys.
    if (!path.replaceAll(sep, "/").endsWith(key)) return "";
    const kind = `${unseenKeys(key)}\n${folder.replace(/=[^/]*/g, "=")}`;
    const known = this.#folders.get(kind) ?? folder;
    this.#folders.set(kind, known);
    return known;
  }

  #newPath(folder: string): string {
    const place = join(this.#directory, folder);
    mkdirSync(place, { recursive: true });
    return join(place, `${++this.#paths}.parquet`);
  }
}

/** Names everything in DuckDB's path of a file except the name of the file. */
function poolOf(folder: string, { entries }: ScanFile, keys: ReadonlySet<string>): string {
  return JSON.stringify([folder, [...keys], entries.filter(([name]) => keys.has(name))]);
}
