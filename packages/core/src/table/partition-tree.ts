import { throwIfAborted } from "../bytes/abort.ts";
import { mapConcurrent } from "../bytes/concurrency/map-concurrent.ts";
import { isYieldDue, yieldIfDue } from "../bytes/concurrency/yield-if-due.ts";
import type { Key } from "../bytes/key.ts";
import { compareKeys } from "../bytes/key-order.ts";
import type {
  ListPage,
  ObjectInfo,
  OperationOptions,
  StorageBackend,
  UnreadableEntry,
} from "../bytes/storage-backend.ts";
import { isStorageError, type StorageError } from "../bytes/storage-error.ts";
import { Partition, type PartitionEntry, parsePartitionSegment } from "../hive/partition.ts";
import {
  type DataFile,
  dataFormat,
  isHiddenName,
  MANIFEST_NAME,
  OLD_MANIFEST_NAME,
  publishedName,
} from "./data-file.ts";

/** Concurrent listings while a tree is walked. */
export const LIST_CONCURRENCY = 16;

/** One folder of an entity that holds files. */
export interface PartitionFolder {
  /** Its keys and values. */
  readonly partition: Partition;
  /** Its key prefix in the store. */
  readonly prefix: Key;
  /** The files that may hold rows, in key order; the manifest decides which of them are committed. */
  readonly files: readonly DataFile[];
  /** The files that plain readers ignore until they are published, each by the name that it then gets. */
  readonly pending: readonly DataFile[];
  /** Its manifest, if there is one: `_manifest.json`, else `manifest.json`. */
  readonly manifest: ObjectInfo | undefined;
  /** Its `manifest.json`, if there is one, also if `_manifest.json` has replaced it. */
  readonly oldManifest: ObjectInfo | undefined;
}

/**
 * Decides, level by level, which partitions to keep. It is called with all candidates of one level, whose innermost key is
 * new, and returns one boolean for each. It may drop a candidate only if nothing below it can be wanted.
 */
export type PrunePartitions = (
  candidates: readonly Partition[],
) => readonly boolean[] | Promise<readonly boolean[]>;

/** Options of {@link walkPartitions}. */
export interface WalkOptions extends OperationOptions {
  /** Drops partitions before anything below them is listed. Default: keeps all. */
  readonly prune?: PrunePartitions | undefined;
  /**
   * The keys that `prune` uses. Everything below the level of the last of them is listed flat, at one request per thousand
   * files. Default: all keys if there is a `prune`, else none.
   */
  readonly pruneKeys?: ReadonlySet<string> | undefined;
  /**
   * Called with the error of a partition that is kept and cannot be read; it is then left out. Default: the walk fails. Folders
   * that are not named `key=value` are never needed.
   */
  readonly onUnreadable?: ((error: StorageError) => void) | undefined;
}

/** The result of {@link walkPartitions}. */
export interface PartitionTree {
  /** The folders that hold files, in the order of their prefix. */
  readonly folders: readonly PartitionFolder[];
  /** Every key, outermost first. */
  readonly keys: readonly string[];
  /**
   * Files that no read returns, though their names do not begin with `_` or `.`: data below folders that are not named
   * `key=value`, formats that are not read, and files that hold no rows. Complete only without `prune`.
   */
  readonly strays: readonly ObjectInfo[];
  /** How many partitions (directories at any level) were dropped before they were listed. */
  readonly prunedPrefixes: number;
}

interface OpenFolder {
  readonly prefix: Key;
  readonly entries: readonly PartitionEntry[];
}

/**
 * Walks the folders of an entity, level by level, and lists only those that `prune` keeps.
 *
 * @throws StorageError from the backend's listing, such as `permission_denied` for a kept partition; `invalid_path` for a folder that repeats a key.
 * @example
 * ```ts
 * const { folders } = await walkPartitions(backend, parseKey("raw/plays"), {
 *   prune: (level) => level.map((p) => p.get("year") === "2024"),
 *   pruneKeys: new Set(["year"]),
 * });
 * ```
 */
export async function walkPartitions(
  backend: Pick<StorageBackend, "list">,
  entity: Key,
  options: WalkOptions = {},
): Promise<PartitionTree> {
  const { prune, signal } = options;
  const keys: string[] = [];
  const folders: PartitionFolder[] = [];
  const strays: ObjectInfo[] = [];
  let prunedPrefixes = 0;
  let open: readonly OpenFolder[] = [{ prefix: entity, entries: [] }];

  const wantsLevels = (): boolean => {
    if (prune === undefined) return false;
    if (options.pruneKeys === undefined) return true;
    return [...options.pruneKeys].some((key) => !keys.includes(key));
  };

  while (open.length > 0 && wantsLevels()) {
    const levels = await mapConcurrent(open, LIST_CONCURRENCY, (folder) =>
      unlessUnreadable(options, () => listFolder(backend, folder, signal), {
        folder,
        files: [],
        below: [],
      }),
    );
    const children: OpenFolder[] = [];
    for (const { files, folder, below } of levels) {
      for (const stray of addFolder(folders, folder.prefix, folder.entries, files)) strays.push(stray);
      for (const child of below) children.push(child);
    }
    for (const { entries } of children) addKeys(keys, entries);
    const keep = await prune?.(children.map(({ entries }) => Partition.of(entries)));
    open = keep === undefined ? children : children.filter((_, i) => keep[i]);
    prunedPrefixes += children.length - open.length;
  }

  const rest = await mapConcurrent(open, LIST_CONCURRENCY, (folder) =>
    unlessUnreadable(options, () => listBelow(backend, folder, options), { folders: [], strays: [] }),
  );
  for (const found of rest.flatMap((below) => below.folders)) {
    addKeys(keys, found.partition.entries);
    folders.push(found);
  }
  folders.sort((a, b) => compareKeys(a.prefix, b.prefix));
  return { folders, keys, strays: [...strays, ...rest.flatMap((below) => below.strays)], prunedPrefixes };
}

async function unlessUnreadable<T>(
  { onUnreadable }: WalkOptions,
  list: () => Promise<T>,
  nothing: T,
): Promise<T> {
  try {
    return await list();
  } catch (error) {
    if (onUnreadable === undefined || !isStorageError(error, "permission_denied")) throw error;
    onUnreadable(error);
    return nothing;
  }
}

/** The names below a folder of something that a listing could not read. */
function segmentsBelow(folder: OpenFolder, { path }: UnreadableEntry): readonly string[] {
  return path.slice(folder.prefix.length + 1).split("/");
}

/** Lists the files of one folder and the partition folders directly below it, unreadable ones too. Other folders hold no rows of the table. */
async function listFolder(
  backend: Pick<StorageBackend, "list">,
  folder: OpenFolder,
  signal: AbortSignal | undefined,
): Promise<{ folder: OpenFolder; files: ObjectInfo[]; below: OpenFolder[] }> {
  const files: ObjectInfo[] = [];
  const below: OpenFolder[] = [];
  const unreadable: UnreadableEntry[] = [];
  const addBelow = (prefix: Key): void => {
    const entry = parsePartitionSegment(prefix.slice(folder.prefix.length + 1));
    if (entry !== undefined) below.push({ prefix, entries: [...folder.entries, entry] });
  };
  for await (const page of backend.list({
    prefix: folder.prefix,
    delimiter: "/",
    signal,
    onUnreadable: (entry) => unreadable.push(entry),
  })) {
    for (const info of page.objects) files.push(info);
    for (const prefix of page.prefixes) addBelow(prefix);
  }
  for (const entry of unreadable) {
    const [name = "", ...deeper] = segmentsBelow(folder, entry);
    if (deeper.length === 0 && matters(name)) throw entry.error;
    // A part of a key that ends before a slash is a key.
    const prefix = `${folder.prefix}/${name}` as Key;
    if (!below.some((known) => known.prefix === prefix)) addBelow(prefix);
  }
  if (unreadable.length > 0) below.sort((a, b) => compareKeys(a.prefix, b.prefix));
  return { folder, files, below };
}

/**
 * Lists everything below a folder flat, and groups it into partition folders. A page shows the store at one moment, so a
 * folder that continues on the next page is listed again by itself: a commit between the two pages could show only a part of
 * it.
 */
async function listBelow(
  backend: Pick<StorageBackend, "list">,
  folder: OpenFolder,
  { signal, onUnreadable }: WalkOptions,
): Promise<Pick<PartitionTree, "folders" | "strays">> {
  const byFolder = new Map<string, ObjectInfo[]>();
  const torn = new Set<string>();
  const unreadable: UnreadableEntry[] = [];
  const pages: AsyncIterable<ListPage> = backend.list({
    prefix: folder.prefix,
    signal,
    onUnreadable: (entry) => unreadable.push(entry),
  });
  let last = "";
  for await (const { objects } of pages) {
    const lastOfPageBefore = last;
    for (const info of objects) {
      const path = info.key.slice(0, info.key.lastIndexOf("/"));
      if (path === lastOfPageBefore && path !== folder.prefix) torn.add(path);
      last = path;
      const files = byFolder.get(path);
      if (files === undefined) byFolder.set(path, [info]);
      else files.push(info);
    }
  }
  for (const entry of unreadable) {
    const segments = segmentsBelow(folder, entry);
    const name = segments.at(-1) ?? "";
    const folders = matters(name) ? segments.slice(0, -1) : segments;
    if (folders.some((segment) => parsePartitionSegment(segment) === undefined)) continue;
    if (onUnreadable === undefined) throw entry.error;
    onUnreadable(entry.error);
  }
  const found: PartitionFolder[] = [];
  const strays: ObjectInfo[] = [];
  for (const [path, files] of byFolder) {
    if (isYieldDue()) {
      await yieldIfDue();
      throwIfAborted(signal, "list", folder.prefix);
    }
    const entries: PartitionEntry[] = [...folder.entries];
    const segments = path === folder.prefix ? [] : path.slice(folder.prefix.length + 1).split("/");
    const parsed = segments.map(parsePartitionSegment);
    if (parsed.some((entry) => entry === undefined)) {
      if (segments.some(isHiddenName)) continue;
      for (const info of files) if (!isHiddenName(nameOf(info.key))) strays.push(info);
      continue;
    }
    for (const entry of parsed) if (entry !== undefined) entries.push(entry);
    // A prefix of a key that ends before a slash is a key.
    const prefix = path as Key;
    const whole = torn.has(path) ? (await listFolder(backend, { prefix, entries }, signal)).files : files;
    for (const stray of addFolder(found, prefix, entries, whole)) strays.push(stray);
  }
  return { folders: found, strays };
}

/** Whether a file of this name may hold rows, or decides which files do. */
const matters = (name: string): boolean =>
  dataFormat(name) !== undefined ||
  publishedName(name) !== undefined ||
  name === MANIFEST_NAME ||
  name === OLD_MANIFEST_NAME;
const nameOf = (key: Key): string => key.slice(key.lastIndexOf("/") + 1);

/** Adds a folder if it holds data or a manifest, and returns its strays. */
function addFolder(
  folders: PartitionFolder[],
  prefix: Key,
  entries: readonly PartitionEntry[],
  objects: readonly ObjectInfo[],
): readonly ObjectInfo[] {
  const files: DataFile[] = [];
  const pending: DataFile[] = [];
  const strays: ObjectInfo[] = [];
  let manifest: ObjectInfo | undefined;
  let oldManifest: ObjectInfo | undefined;
  for (const info of objects) {
    const name = info.key.slice(prefix.length + 1);
    const format = dataFormat(name);
    const published = publishedName(name);
    if (format !== undefined) files.push({ name, format, info });
    else if (published !== undefined) pending.push({ name: published, format: "parquet", info });
    else if (name === MANIFEST_NAME) manifest = info;
    else if (name === OLD_MANIFEST_NAME) oldManifest = info;
    else if (!isHiddenName(name)) strays.push(info);
  }
  manifest ??= oldManifest;
  if (files.length > 0 || manifest !== undefined) {
    folders.push({ partition: Partition.of(entries), prefix, files, pending, manifest, oldManifest });
  }
  return strays;
}

function addKeys(keys: string[], entries: readonly PartitionEntry[]): void {
  for (const [key] of entries) if (!keys.includes(key)) keys.push(key);
}

/** Lists the folder of one partition again. Returns undefined if it is gone. */
export async function listPartitionFolder(
  backend: Pick<StorageBackend, "list">,
  folder: Pick<PartitionFolder, "prefix" | "partition">,
  signal: AbortSignal | undefined,
): Promise<(PartitionFolder & { readonly below: readonly Key[] }) | undefined> {
  const { entries } = folder.partition;
  const { files, below } = await listFolder(backend, { prefix: folder.prefix, entries }, signal);
  const found: PartitionFolder[] = [];
  addFolder(found, folder.prefix, entries, files);
  const [only] = found;
  if (only === undefined && below.length === 0) return undefined;
  const fallback: PartitionFolder = {
    partition: folder.partition,
    prefix: folder.prefix,
    files: [],
    pending: [],
    manifest: undefined,
    oldManifest: undefined,
  };
  return { ...(only ?? fallback), below: below.map(({ prefix }) => prefix) };
}
