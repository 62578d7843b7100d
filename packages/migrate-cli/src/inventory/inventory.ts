import { compareKeys, type Key, type ObjectInfo, type StorageBackend } from "@parquetry/core/backend";
import {
  checkBackend,
  checkOptions,
  type OptionKinds,
  parsePartitionSegment,
  type SkippedEntry,
} from "@parquetry/core/unstable";
import { listSide } from "../listing/list-side.ts";
import { isLost } from "../plan/list-ends.ts";
import type { FileFailure } from "../plan/migration-plan.ts";
import { type Tally, topFolder } from "../plan/tally.ts";
import { type LeftOutClass, noneLeftOut } from "../select/left-out.ts";
import {
  compileSelection,
  SELECTION_OPTIONS,
  type SelectionOptions,
  type UnmatchedPattern,
} from "../select/selection.ts";
import { createSpool, type Spool } from "../spool/spool.ts";

/** Options of {@link inventory}. */
export interface InventoryOptions extends SelectionOptions {
  /** Stops listing. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of objects listed so far. */
  readonly onProgress?: ((objects: number) => void) | undefined;
  /** Called with each file that is counted. */
  readonly onFile?: ((file: ObjectInfo) => void) | undefined;
}

/** The kinds of {@link InventoryOptions}. */
export const INVENTORY_OPTIONS: OptionKinds<InventoryOptions> = {
  ...SELECTION_OPTIONS,
  signal: "signal",
  onProgress: "function",
  onFile: "function",
};

/** The files of a folder, an entity or a format. */
export interface NamedTally extends Tally {
  /** Its name. */
  readonly name: string;
}

/** One entity: the folder above the first `key=value` folder, or a folder of files that are not partitioned. */
export interface EntityTally extends NamedTally {
  /** The number of partitions that hold files. */
  readonly partitions: number;
  /** The partition keys of its first partition, outermost first. */
  readonly keys: readonly string[];
}

/** The contents of a tree. */
export interface Inventory extends Tally {
  /** Its top-level folders, in key order; `.` is for the files of the root. */
  readonly folders: readonly NamedTally[];
  /** Its entities, in key order. */
  readonly entities: readonly EntityTally[];
  /** Its formats, largest first: extensions in lower case, `manifest` for manifests, `other` for files without an extension. */
  readonly formats: readonly NamedTally[];
  /** Patterns of `include` and `exclude` that matched nothing. */
  readonly unmatched: readonly UnmatchedPattern[];
  /** The number of files that each default exclusion left out. */
  readonly leftOut: Readonly<Record<LeftOutClass, number>>;
  /** Folders and files that could not be read and so are not counted. */
  readonly unreadable: Spool<FileFailure>;
  /** Entries that are not files. */
  readonly skippedEntries: Spool<SkippedEntry>;
  /** How many of them are files without a usable name, which are not counted. */
  readonly unusableNames: number;
  /** Removes the temporary files. */
  close(): void;
}

/**
 * Counts the files of a tree by one listing, without opening any. Memory grows with the number of entities, not of files.
 *
 * @throws StorageError if the tree cannot be listed; `invalid_argument` for an argument that is not a backend, and for an
 * invalid option or selection.
 * @example
 * ```ts
 * const found = await inventory(backend);
 * for (const { name, partitions, files } of found.entities) console.log(name, partitions, files);
 * found.close();
 * ```
 */
export async function inventory(backend: StorageBackend, options: InventoryOptions = {}): Promise<Inventory> {
  checkBackend(backend, "backend", "inventory");
  checkOptions(options, INVENTORY_OPTIONS, "inventory");
  const { signal, onProgress, onFile } = options;
  const selection = compileSelection(options);
  const folders = new Map<string, Tally>();
  const formats = new Map<string, Tally>();
  const entities = new Map<string, { tally: Tally; partitions: number; keys: readonly string[] }>();
  const leftOut = noneLeftOut();
  const skippedEntries = createSpool<SkippedEntry>();
  const unreadable = createSpool<FileFailure>();
  const isNewPartition = partitionCounter();
  let total: Tally = { files: 0, bytes: 0 };
  let listed = 0;
  let unusableNames = 0;

  const listing = listSide(backend, {
    prefix: selection.prefix,
    signal,
    onPage: (objects) => {
      listed += objects;
      onProgress?.(listed);
    },
    onSkipped: (entry) => {
      if (!selection.concerns(entry.path)) return;
      skippedEntries.push(entry);
      if (isLost(entry)) unusableNames++;
    },
    onUnreadable: ({ path, error }) => {
      if (selection.mayHold(path)) unreadable.push({ key: path, code: error.code, message: error.message });
    },
  });
  for await (const file of listing) {
    const { key, sizeBytes } = file;
    const verdict = selection.judge(key);
    if (verdict === "filtered") continue;
    if (verdict !== "selected") {
      leftOut[verdict]++;
      continue;
    }
    onFile?.(file);
    total = plus(total, sizeBytes);
    count(folders, topFolder(key), sizeBytes);
    count(formats, formatOf(key), sizeBytes);
    const { entity, partition, keys } = splitKey(key);
    const before = entities.get(entity);
    entities.set(entity, {
      tally: plus(before?.tally, sizeBytes),
      partitions: (before?.partitions ?? 0) + (partition !== undefined && isNewPartition(partition) ? 1 : 0),
      keys: before === undefined || before.keys.length === 0 ? keys : before.keys,
    });
  }

  return {
    ...total,
    folders: named(folders).sort((a, b) => compareKeys(a.name, b.name)),
    formats: named(formats).sort((a, b) => b.bytes - a.bytes || compareKeys(a.name, b.name)),
    entities: [...entities]
      .map(([name, { tally, partitions, keys }]) => ({ name, ...tally, partitions, keys }))
      .sort((a, b) => compareKeys(a.name, b.name)),
    unmatched: selection.unmatched(),
    leftOut,
    skippedEntries,
    unusableNames,
    unreadable,
    close() {
      skippedEntries.close();
      unreadable.close();
    },
  };
}

/** Returns the entity of a key, and its partition's folder and keys if it has a partition. */
function splitKey(key: Key): {
  readonly entity: string;
  readonly partition: string | undefined;
  readonly keys: readonly string[];
} {
  const segments = key.split("/").slice(0, -1);
  const entries = segments.map(parsePartitionSegment);
  const first = entries.findIndex((entry) => entry !== undefined);
  if (first < 0) return { entity: segments.join("/") || ".", partition: undefined, keys: [] };
  const last = entries.findLastIndex((entry) => entry !== undefined);
  return {
    entity: segments.slice(0, first).join("/") || ".",
    partition: segments.slice(0, last + 1).join("/"),
    keys: entries.slice(first).flatMap((entry) => (entry === undefined ? [] : [entry[0]])),
  };
}

/** Makes a check whether a partition is new. In key order, all keys below a folder follow each other. */
function partitionCounter(): (partition: string) => boolean {
  const open: string[] = [];
  return (partition) => {
    const name = `${partition}/`;
    for (let top = open.at(-1); top !== undefined && !name.startsWith(top); top = open.at(-1)) open.pop();
    if (open.includes(name)) return false;
    open.push(name);
    return true;
  };
}

function formatOf(key: Key): string {
  const name = key.slice(key.lastIndexOf("/") + 1);
  if (name === "_manifest.json" || name === "manifest.json") return "manifest";
  const dot = name.lastIndexOf(".");
  return dot <= 0 ? "other" : name.slice(dot + 1).toLowerCase();
}

function plus(tally: Tally | undefined, sizeBytes: number): Tally {
  return { files: (tally?.files ?? 0) + 1, bytes: (tally?.bytes ?? 0) + sizeBytes };
}

function count(counts: Map<string, Tally>, name: string, sizeBytes: number): void {
  counts.set(name, plus(counts.get(name), sizeBytes));
}

function named(counts: ReadonlyMap<string, Tally>): NamedTally[] {
  return [...counts].map(([name, tally]) => ({ name, ...tally }));
}
