import { sep } from "node:path";
import {
  compareKeys,
  type Key,
  type ListOptions,
  type ListPage,
  type ObjectInfo,
  throwIfAborted,
} from "@parquetry/core/backend";
import { isYieldDue, yieldIfDue } from "@parquetry/core/unstable";
import { DiskPace } from "./disk-pace.ts";
import { errnoOf, localError } from "./local-error.ts";
import {
  type Facts,
  type FolderListing,
  readFolder,
  readFolderSync,
  statFiles,
  statFilesSync,
} from "./read-folder.ts";

/** The number of files of a folder whose facts are read together. */
const STAT_BATCH = 256;

/** Failures of a single folder or file, which do not affect others. */
const OF_ONE_ENTRY: ReadonlySet<string | undefined> = new Set([
  "EACCES",
  "EPERM",
  "EIO",
  "ESTALE",
  "ENOTCONN",
  "ENAMETOOLONG",
  "EILSEQ",
  "ELOOP",
]);

/** The number of folders that are read concurrently from a slow disk. */
const READ_CONCURRENCY = 8;

/** How often a folder is read if files vanish each time between its names and their facts. */
const MAX_READS = 100;

/** The most folders that are read ahead, and the most names in them. */
const FOLDERS_AHEAD = 32;
const NAMES_AHEAD = 8192;

/** Options of {@link listTree}. */
export interface ListTreeOptions
  extends Pick<ListOptions, "delimiter" | "startAfter" | "onSkipped" | "onUnreadable" | "signal"> {
  /** The number of objects and prefixes on a page. */
  readonly pageSize: number;
  /** Called with each folder that holds temporary files or locks. */
  readonly onOwnName?: (folder: string) => void;
  /** Decides which thread reads the disk. Default: a new one. */
  readonly pace?: DiskPace;
}

/**
 * Walks a folder in the byte order of whole keys: a folder sorts as `name/`, so `a.b` comes before `a/b`. It holds one folder of
 * each level in memory and some that are read ahead, never the whole tree. Files that vanish during the walk are left out, and
 * so are folders without a file at any depth, as S3 has none. A folder that cannot be read ends the walk, unless the caller
 * passes `onUnreadable`.
 */
export async function* listTree(
  path: string,
  key: string,
  options: ListTreeOptions,
): AsyncGenerator<ListPage> {
  const { delimiter, startAfter, onSkipped, onUnreadable, signal, pageSize, pace = new DiskPace() } = options;
  const walk: Folder[] = [];
  let page: { objects: ObjectInfo[]; prefixes: Key[] } = { objects: [], prefixes: [] };

  const leaveOut = (name: string, at: string, error: unknown): void => {
    if (onUnreadable === undefined || !OF_ONE_ENTRY.has(errnoOf(error))) throw error;
    onUnreadable({ path: name, error: localError(error, "list", name, at) });
  };

  const breathe = async (): Promise<void> => {
    await yieldIfDue();
    throwIfAborted(signal, "list", key, "local");
  };

  const read = async (folder: Folder, ahead: readonly Folder[]): Promise<FolderListing> => {
    if (isYieldDue()) await breathe();
    try {
      const listing = await folder.read(pace, ahead);
      if (listing.hasOwnNames) options.onOwnName?.(folder.path);
      return listing;
    } catch (error) {
      if (walk.length === 0) throw error;
      leaveOut(folder.prefix.slice(0, -1), folder.path, error);
      return NOTHING;
    }
  };

  const enter = async (folder: Folder): Promise<void> => {
    const { names, skipped } = await read(folder, walk);
    for (const entry of skipped) onSkipped?.(entry);
    folder.open(names, startAfter, delimiter);
    walk.push(folder);
  };

  /** Whether a folder holds an object at any depth. */
  const holdsObject = async (folder: Folder, ahead: readonly Folder[]): Promise<boolean> => {
    const { names } = await read(folder, ahead);
    if (names.some((name) => !name.endsWith("/"))) return true;
    for (const name of names) if (await holdsObject(folder.child(name), [])) return true;
    return false;
  };

  /** Reads the facts of the current file and of some after it. */
  const look = async (folder: Folder, name: string): Promise<void> => {
    try {
      await folder.look(pace, STAT_BATCH).catch(() => folder.look(pace, 1));
    } catch (error) {
      // The permission is the folder's, so it is missing for every file in it.
      if (!isForbidden(error)) return leaveOut(folder.prefix + name, folder.path + sep + name, error);
      if (walk.length === 1) throw error;
      leaveOut(folder.prefix.slice(0, -1), folder.path, error);
      folder.end();
    }
  };

  await enter(new Folder(path, key === "" ? "" : `${key}/`));
  for (let folder = walk.at(-1); folder !== undefined; folder = walk.at(-1)) {
    if (isYieldDue()) await breathe();
    const name = folder.next();
    if (name === undefined) walk.pop();
    else if (!name.endsWith("/")) {
      if (folder.lacksFacts) await look(folder, name);
      if (folder.mustBeReadAgain) {
        walk.pop();
        const again = new Folder(folder.path, folder.prefix, folder.reads + 1);
        again.open((await read(again, walk)).names, startAfter, delimiter);
        walk.push(again);
        continue;
      }
      const info = folder.facts();
      if (info !== undefined) page.objects.push(info);
    } else if (delimiter === undefined) await enter(folder.child(name));
    else if (await holdsObject(folder.child(name), walk)) {
      // It was checked when the folder was read.
      page.prefixes.push((folder.prefix + name.slice(0, -1)) as Key);
    }
    if (page.objects.length + page.prefixes.length < pageSize) continue;
    yield page;
    throwIfAborted(signal, "list", key, "local");
    page = { objects: [], prefixes: [] };
  }
  yield page;
}

/** Starts to read the folders that come next in the walk, innermost first. */
function readAhead(walk: readonly Folder[], pace: DiskPace): void {
  let folders = 0;
  let names = 0;
  let reading = 0;
  for (const folder of comingNext(walk)) {
    folder.readAhead(pace);
    folders++;
    if (folder.namesAhead === undefined) reading++;
    names += folder.namesAhead ?? 0;
    if (folders === FOLDERS_AHEAD || reading >= READ_CONCURRENCY || names >= NAMES_AHEAD) return;
  }
}

function* comingNext(walk: readonly Folder[]): Generator<Folder> {
  for (const folder of walk.toReversed()) yield* folder.comingNext();
}

const NOTHING: FolderListing = { names: [], hasOwnNames: false, skipped: [] };

/** A folder of the walk, or a folder that is read ahead. */
class Folder {
  readonly prefix: string;
  readonly path: string;
  readonly #ahead = new Map<string, Folder>();
  #reading: Promise<FolderListing> | undefined;
  #names: readonly string[] = [];
  #namesAhead: number | undefined;
  #position = -1;
  #start = 0;
  /** The facts of the names from `#factsFrom` on. */
  #facts: readonly Facts[] = [];
  #factsFrom = 0;

  /** How often it has been read, with this time. */
  readonly reads: number;

  constructor(path: string, prefix: string, reads = 1) {
    this.path = path;
    this.prefix = prefix;
    this.reads = reads;
  }

  /** Reads its names: on this thread while the disk is quick, else on the thread pool together with the folders that come next. */
  async read(pace: DiskPace, walk: readonly Folder[]): Promise<FolderListing> {
    if (this.#reading === undefined && pace.isQuick) {
      return pace.now(() => readFolderSync(this.path, this.prefix), 1);
    }
    this.readAhead(pace);
    if (!pace.isQuick) readAhead(walk, pace);
    return (await this.#reading) ?? NOTHING;
  }

  /** Starts to read it on the thread pool, unless that has been started. */
  readAhead(pace: DiskPace): void {
    if (this.#reading !== undefined) return;
    this.#reading = this.#readLater(pace);
    // A failure is thrown where the result is awaited.
    this.#reading.catch(() => {});
  }

  /** The number of names that have been read ahead; undefined while they are being read. */
  get namesAhead(): number | undefined {
    return this.#namesAhead;
  }

  async #readLater(pace: DiskPace): Promise<FolderListing> {
    pace.later();
    const listing = await readFolder(this.path, this.prefix);
    // On a failure the facts are read again, and the failure is reported, when the walk reaches the file.
    const facts = statFiles(this.path, this.prefix, listing.names.slice(0, STAT_BATCH));
    this.#facts = await facts.catch(() => []);
    this.#namesAhead = listing.names.length;
    return listing;
  }

  /** Starts the walk through it, after `startAfter`. */
  open(names: readonly string[], startAfter: string | undefined, delimiter: "/" | undefined): void {
    this.#names = names;
    if (startAfter === undefined) return;
    const first = names.findIndex((name) => {
      const entry = this.prefix + name;
      // A folder that startAfter points into may hold names after it.
      const isAround = delimiter === undefined && name.endsWith("/") && startAfter.startsWith(entry);
      return isAround || compareKeys(entry, startAfter) > 0;
    });
    this.#position = first < 0 ? names.length : first - 1;
    this.#start = this.#position + 1;
  }

  next(): string | undefined {
    this.#position++;
    return this.#names[this.#position];
  }

  /** Whether the facts of the current file have not been read. */
  get lacksFacts(): boolean {
    return this.#position < this.#factsFrom || this.#position >= this.#factsFrom + this.#facts.length;
  }

  /** Reads the facts of the current file and of those after it. */
  async look(pace: DiskPace, count: number): Promise<void> {
    const names = this.#names.slice(this.#position, this.#position + count);
    this.#factsFrom = this.#position;
    this.#facts = [];
    this.#facts = pace.isQuick
      ? pace.now(() => statFilesSync(this.path, this.prefix, names), names.length)
      : await statFiles(this.path, this.prefix, names);
  }

  /**
   * True if nothing of it has been listed yet, and a file has vanished since its names were read. The files that replaced it
   * may not be among the names, and a folder that always has files must not be listed as empty.
   */
  get mustBeReadAgain(): boolean {
    if (this.#position !== this.#start || this.reads >= MAX_READS) return false;
    return this.#facts.some((facts, i) => {
      const name = this.#names[this.#factsFrom + i];
      return facts === undefined && name !== undefined && !name.endsWith("/");
    });
  }

  facts(): Facts {
    return this.#facts[this.#position - this.#factsFrom];
  }

  /** Skips the rest of it. */
  end(): void {
    this.#position = this.#names.length;
  }

  child(name: string): Folder {
    const ahead = this.#ahead.get(name);
    this.#ahead.delete(name);
    return ahead ?? new Folder(this.path + sep + name.slice(0, -1), this.prefix + name);
  }

  /** The folders in it that come next in the walk. */
  *comingNext(): Generator<Folder> {
    const next = this.#position + 1;
    for (const name of this.#names.slice(next, next + NAMES_AHEAD)) {
      if (!name.endsWith("/")) continue;
      const child = this.child(name);
      this.#ahead.set(name, child);
      yield child;
    }
  }
}

function isForbidden(error: unknown): boolean {
  return errnoOf(error) === "EACCES" || errnoOf(error) === "EPERM";
}
