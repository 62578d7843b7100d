import { forEachYielding } from "@parquetry/core/unstable";
import { ParquetJoiner } from "@parquetry/core/unstable/tables";
import { readSmall } from "../../files/read-footer.ts";
import { ReadPace } from "../../files/read-pace.ts";
import type { ScanFile } from "../../files/scan-file.ts";
import { interrupted } from "../interruptible.ts";
import type { JoinedPaths } from "./joined-paths.ts";

/** Larger files are scanned as they are: copying their bytes would take longer than opening them. */
const SMALL_BYTES = 16 * 1024;
/** The size at which a joined file ends: DuckDB reads the footers of several files at a time. */
const JOINED_BYTES = 16 * 1024 * 1024;
const JOINED_ROW_GROUPS = 4096;
/** The least average number of consecutive files with the same partition and columns for which joining pays. */
const FILES_PER_JOINED = 8;
/** Files that are read before it is decided whether their footers are the same. */
const TRIED_FILES = 64;

/** Files to scan instead of many small ones. */
export interface JoinedFiles {
  /** In the order of their rows. Some may be files of the list that was to be joined. */
  readonly files: readonly ScanFile[];
  /** The paths of the joined files, which the caller removes. */
  readonly paths: readonly string[];
  readonly bytes: number;
}

/** Options of {@link joinFiles}. */
export interface JoinOptions {
  /** The partition keys that the joined files have. */
  readonly keys: ReadonlySet<string>;
  /** No more bytes than about these are written. */
  readonly maxBytes: number;
  readonly joinedPaths: JoinedPaths;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Joins small local files that follow each other and have the same values of some partition keys. The rows stay in their order.
 *
 * @returns undefined where that saves nothing: there are too many partitions, or the files are large, damaged, or of many schemas.
 */
export async function joinFiles(
  files: readonly ScanFile[],
  { keys, maxBytes, joinedPaths, signal }: JoinOptions,
): Promise<JoinedFiles | undefined> {
  const places = files[0]?.entries.flatMap(([name], place) => (keys.has(name) ? [place] : [])) ?? [];
  const isNew = (file: ScanFile, i: number): boolean =>
    i > 0 && places.some((place) => file.entries[place]?.[1] !== files[i - 1]?.entries[place]?.[1]);
  const partitions = files.reduce((count, file, i) => (isNew(file, i) ? count + 1 : count), 1);
  if (partitions * FILES_PER_JOINED > files.length) return undefined;
  const joining = new Joining(keys, joinedPaths);
  const pace = new ReadPace();
  let place = 0;
  try {
    await forEachYielding(files, (file) => {
      if (signal?.aborted === true) throw interrupted();
      if (isNew(file, place++)) joining.finish();
      const isOver =
        pace.isSlow || joining.isVain || joining.bytes > maxBytes || file.footerPath !== undefined;
      joining.add(file, isOver ? undefined : pace.time(() => readSmall(file.path, SMALL_BYTES)));
    });
    joining.finish();
  } catch (error) {
    joining.remove();
    throw error;
  }
  const { scanned, paths, bytes } = joining;
  return paths.length === 0 ? undefined : { files: scanned, paths, bytes };
}

/** The joined files so far, and the next one while it grows. */
class Joining {
  readonly scanned: ScanFile[] = [];
  readonly paths: string[] = [];
  bytes = 0;
  readonly #keys: ReadonlySet<string>;
  readonly #joinedPaths: JoinedPaths;
  #tried = 0;
  #refused = 0;
  #joiner = new ParquetJoiner();
  #members: ScanFile[] = [];
  #pieces: Uint8Array[] = [];

  constructor(keys: ReadonlySet<string>, joinedPaths: JoinedPaths) {
    this.#keys = keys;
    this.#joinedPaths = joinedPaths;
  }

  /** True where too many files cannot be joined to the one before. */
  get isVain(): boolean {
    return this.#tried >= TRIED_FILES && this.#refused * FILES_PER_JOINED > this.#tried;
  }

  /** @param content undefined if the file is to be scanned as it is. */
  add(file: ScanFile, content: Uint8Array | undefined): void {
    if (content !== undefined) this.#tried++;
    if (content === undefined || !this.#joins(file, content)) {
      if (content !== undefined) this.#refused++;
      this.finish();
      if (content === undefined || !this.#joins(file, content)) this.scanned.push(file);
    }
    const { size, rowGroups } = this.#joiner;
    if (size > JOINED_BYTES || rowGroups >= JOINED_ROW_GROUPS) this.finish();
  }

  /** Ends the joined file. */
  finish(): void {
    const [first, second] = this.#members;
    if (first === undefined) return;
    if (second === undefined) this.scanned.push(first);
    else {
      const content = Buffer.concat([...this.#pieces, this.#joiner.footer()]);
      const path = this.#joinedPaths.write(content, first, this.#keys);
      this.paths.push(path);
      this.bytes += content.byteLength;
      // All entries stay: a view depends on the names of the keys that the query does not name, too. It uses none of their values.
      this.scanned.push({ ...first, path, version: path });
    }
    this.#joiner = new ParquetJoiner();
    this.#members = [];
    this.#pieces = [];
  }

  remove(): void {
    for (const path of this.paths) this.#joinedPaths.remove(path);
  }

  #joins(file: ScanFile, content: Uint8Array): boolean {
    const pieces = this.#joiner.add(content);
    if (pieces === undefined) return false;
    this.#members.push(file);
    this.#pieces.push(...pieces);
    return true;
  }
}
