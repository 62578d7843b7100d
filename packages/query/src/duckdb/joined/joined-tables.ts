import { isStorageError } from "@parquetry/core";
import type { ScanFile } from "../../files/scan-file.ts";
import type { CallOptions } from "../duckdb.ts";
import type { FileGroup, ScanTable } from "../views/scan-table.ts";
import type { Scratch } from "../views/scratch.ts";
import { type JoinedFiles, joinFiles } from "./join-files.ts";
import type { JoinedPaths } from "./joined-paths.ts";

const DEFAULTS: JoinLimits = {
  minFiles: 256,
  tableBytes: 128 * 1024 * 1024,
  keptBytes: 256 * 1024 * 1024,
  keptFiles: 32_768,
};

/** What {@link JoinedTables} joins and keeps. */
export interface JoinLimits {
  /** Fewer files are scanned as they are. */
  readonly minFiles: number;
  /** About the most bytes of the joined files of one table. */
  readonly tableBytes: number;
  /** The most bytes of joined files that are kept for later queries. */
  readonly keptBytes: number;
  /** The most files that they were joined from, except for those of the last query: DuckDB keeps their footers in memory. */
  readonly keptFiles: number;
}

interface Kept extends JoinedFiles {
  readonly from: readonly ScanFile[];
  readonly keys: ReadonlySet<string>;
  /** The queries that are reading the files. */
  users: number;
}

/**
 * Lets a query read many small files as a few joined ones: DuckDB takes 50 to 75 µs longer for a file than for a row group
 * (docs/decisions/0040). Joined files are kept for the next query over the same versions of the same files.
 */
export class JoinedTables {
  readonly #paths: JoinedPaths;
  readonly #limits: JoinLimits;
  /** The last used ones first. */
  #kept: readonly Kept[] = [];

  constructor(scratch: Scratch, limits: JoinLimits = DEFAULTS) {
    this.#paths = scratch.joined;
    this.#limits = limits;
  }

  /**
   * Runs something over joined files. If it fails, it runs again over the files themselves, so that nothing depends on the joining, and
   * errors name the files of the store.
   */
  async during<T>(
    tables: readonly ScanTable[],
    options: CallOptions,
    run: (tables: readonly ScanTable[]) => Promise<T>,
  ): Promise<T> {
    const used: Kept[] = [];
    let hasFailed = false;
    try {
      const joined: ScanTable[] = [];
      for (const table of tables) joined.push(await this.#join(table, options, used));
      if (used.length > 0) return await run(joined);
    } catch (error) {
      if (isStorageError(error, "aborted")) throw error;
      hasFailed = true;
    } finally {
      for (const kept of used) kept.users--;
      // Joined files may have been deleted by another program.
      this.#evict(hasFailed ? used : []);
    }
    return run(tables);
  }

  /** @param used the joined files of the table are added to it. */
  async #join(table: ScanTable, options: CallOptions, used: Kept[]): Promise<ScanTable> {
    const keys = new Set(table.keys.map(({ name }) => name));
    const groups: FileGroup[] = [];
    for (const group of table.groups) {
      const kept = await this.#joinGroup(group, keys, options, used);
      groups.push(kept === undefined ? group : { ...group, files: kept.files });
    }
    return { ...table, groups };
  }

  async #joinGroup(
    { files }: FileGroup,
    keys: ReadonlySet<string>,
    { signal }: CallOptions,
    used: Kept[],
  ): Promise<Kept | undefined> {
    // Without a pause in between, in which another query could remove the files.
    const use = (kept: Kept): Kept => {
      this.#kept = [kept, ...this.#kept.filter((other) => other !== kept)];
      kept.users++;
      used.push(kept);
      return kept;
    };
    if (files.length < this.#limits.minFiles || files[0]?.kind !== "local") return undefined;
    const known = this.#kept.find((kept) => isSame(kept.from, files) && isSame([...kept.keys], [...keys]));
    if (known !== undefined) return use(known);
    const joined = await joinFiles(files, {
      keys,
      maxBytes: this.#limits.tableBytes,
      joinedPaths: this.#paths,
      signal,
    });
    return joined && use({ ...joined, from: files, keys, users: 0 });
  }

  /** Removes what was not used for longest, and what failed. */
  #evict(failed: readonly Kept[]): void {
    const { keptBytes, keptFiles } = this.#limits;
    let bytes = 0;
    let files = 0;
    const isOver = (kept: Kept, place: number): boolean => {
      bytes += kept.bytes;
      files += kept.from.length;
      const isTooMuch = bytes > keptBytes || (place > 0 && files > keptFiles);
      return kept.users === 0 && (isTooMuch || failed.includes(kept));
    };
    const old = this.#kept.filter(isOver);
    this.#kept = this.#kept.filter((kept) => !old.includes(kept));
    for (const path of old.flatMap(({ paths }) => paths)) this.#paths.remove(path);
  }
}

function isSame<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((each, i) => each === others[i]);
}
