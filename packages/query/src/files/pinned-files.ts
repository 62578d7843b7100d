import { close, open } from "node:fs";
import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Key } from "@parquetry/core";
import { StorageError } from "@parquetry/core";

const openFile = promisify(open);
const closeFile = promisify(close);

/** Where Linux lists the open files of this process. A path below it opens a file that has been deleted, too. */
const OPEN_FILES = `/proc/${process.pid}/fd`;

let count = 0;

/**
 * Files that are kept open, so that DuckDB can open them by a path after a writer has deleted them. This needs Linux; elsewhere
 * nothing is pinned.
 */
export class PinnedFiles {
  readonly #directory: string;
  readonly #paths = new Map<string, string>();
  readonly #descriptors: number[] = [];

  /** @param directory an existing directory that DuckDB may read. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  static readonly isSupported: boolean = process.platform === "linux";

  /**
   * Opens a file.
   *
   * @param version names this version of the file for {@link PinnedFiles.pathOf}.
   * @param check throws unless the path leads to that version. It is called after the file was opened: a version that is there
   * then, as it was when it was listed, was there in between.
   * @throws StorageError `not_found` where it has been deleted; what `check` throws.
   */
  async pin(path: string, version: string, key: Key, check: () => Promise<void>): Promise<void> {
    if (!PinnedFiles.isSupported || this.#paths.has(version)) return;
    const descriptor = await openFile(path, "r").catch((error: NodeJS.ErrnoException) => {
      // With too many open files, the file is read in place.
      if (error.code !== "ENOENT") return undefined;
      throw new StorageError({
        code: "not_found",
        op: "sql",
        path: key,
        message: `sql: ${key} was deleted.`,
      });
    });
    if (descriptor === undefined) return;
    this.#descriptors.push(descriptor);
    await check();
    // One link for each: DuckDB remembers files by their paths, and may open links out of this directory, but no other path to them.
    const link = join(this.#directory, `${++count}.parquet`);
    await symlink(`${OPEN_FILES}/${descriptor}`, link);
    this.#paths.set(version, link);
  }

  /** The path of a pinned version of a file; undefined for any other. */
  pathOf(version: string): string | undefined {
    return this.#paths.get(version);
  }

  /** Closes all files. */
  async release(): Promise<void> {
    await Promise.all(this.#descriptors.splice(0).map((descriptor) => closeFile(descriptor)));
    await Promise.all([...this.#paths.values()].map((link) => rm(link, { force: true })));
    this.#paths.clear();
  }
}
