import { randomBytes } from "node:crypto";
import {
  checkOptions,
  isStorageError,
  mapOrdered,
  type OptionKinds,
  type SkippedEntry,
  type StorageBackend,
} from "@parquetry/core/backend";
import { listAhead } from "../listing/list-ahead.ts";
import { checkEnds } from "../plan/check-ends.ts";
import { listEnds } from "../plan/list-ends.ts";
import type { ListingPair } from "../plan/merge-listings.ts";
import type { FileFailure } from "../plan/migration-plan.ts";
import { HASH_CONCURRENCY, type PlanProgress } from "../plan/plan-migration.ts";
import { createTallyTable, type TallyRow } from "../plan/tally.ts";
import type { HashCache } from "../proof/hash-cache.ts";
import { type ContentPair, createProver, type FinalAction } from "../proof/prove-content.ts";
import { compileSelection, SELECTION_OPTIONS, type SelectionOptions } from "../select/selection.ts";
import { hashKey } from "../select/shard.ts";
import { createSpool, type Spool } from "../spool/spool.ts";
import type { FolderParity } from "./folder-parity.ts";
import { toVerifyLevel, type VerifyLevel } from "./verify-level.ts";

/**
 * What happens during a verification. The listing runs ahead of the reading: `toRead` are files, and their bytes on all
 * sides that are read, which it finds; once `listedAll` came, they are all there are. `compared`: one of them is done.
 */
export type VerifyProgress =
  | PlanProgress
  | { readonly type: "toRead"; readonly files: number; readonly bytes: number }
  | { readonly type: "listedAll" }
  | { readonly type: "compared"; readonly key: string; readonly failure?: FileFailure | undefined };

/** Options of {@link verifyMigration}. */
export interface VerifyOptions extends SelectionOptions {
  /** How far to go: `etag` (default), `full`, `sample:5%`, or a {@link VerifyLevel}. */
  readonly level?: VerifyLevel | string | undefined;
  /** Chooses the files of a sample; the same seed chooses the same files. Default: a new one each time. */
  readonly seed?: string | undefined;
  /** Where hashes of local files are kept between runs; `sample` and `full` do not ask it. Default: nowhere. */
  readonly hashCache?: HashCache | undefined;
  /** Stops verifying. */
  readonly signal?: AbortSignal | undefined;
  /** Told what happens. */
  readonly onProgress?: ((event: VerifyProgress) => void) | undefined;
}

const VERIFY_OPTIONS: OptionKinds<VerifyOptions> = {
  ...SELECTION_OPTIONS,
  level: true,
  seed: "string",
  hashCache: true,
  signal: "signal",
  onProgress: "function",
};

/** What a verification found. Close it, or its temporary files stay. */
export interface Verification {
  /** Parity by top-level folder, in key order, `.` for files of the root. */
  readonly folders: readonly FolderParity[];
  /** The bytes of the files on each side. */
  readonly bytes: { readonly local: number; readonly cloud: number };
  /** How many files were read on both sides, to the end. */
  readonly readFiles: number;
  /** The seed of the sample, to choose the same files again. */
  readonly seed: string;
  /** Keys that only the source has. */
  readonly missing: Spool<string>;
  /** Keys that only the target has. */
  readonly extra: Spool<string>;
  /** Keys whose content differs. */
  readonly differing: Spool<string>;
  /** Keys whose content nothing proves. */
  readonly unverifiable: Spool<string>;
  /** Files that could not be read, with the reason; they count as unverifiable. */
  readonly failures: Spool<FileFailure>;
  /**
   * Folders of the source that could not be read, and files that could not be looked at: what lies there is not compared.
   * Each counts as one that is unverifiable.
   */
  readonly unreadable: Spool<FileFailure>;
  /** What lies at the source but is no file that can be compared. */
  readonly skippedEntries: Spool<SkippedEntry>;
  /** How many of them are files that no key can name: they cannot be at the target. */
  readonly unusableNames: number;
  /** True where nothing is missing, extra, differing, unreadable or without a usable name. `unverifiable` is judged by the caller. */
  readonly equal: boolean;
  /** Removes the temporary files. */
  close(): void;
}

/**
 * Compares two sides by content. One LIST per thousand objects; a disk's files are read to be compared with what a
 * bucket's listing proves, a bucket's objects only by the levels `sample` and `full`.
 *
 * @throws StorageError where a side cannot be listed; `invalid_argument` for what is no backend, two ends that are one place,
 * a bad option or selection.
 * @example
 * ```ts
 * const found = await verifyMigration(disk, bucket);
 * for (const folder of found.folders) console.log(formatParity(folder));
 * found.close();
 * ```
 */
export async function verifyMigration(
  source: StorageBackend,
  target: StorageBackend,
  options: VerifyOptions = {},
): Promise<Verification> {
  checkOptions(options, VERIFY_OPTIONS, "verifyMigration");
  await checkEnds(source, target, "verifyMigration");
  const { signal, onProgress } = options;
  const level = toVerifyLevel(options.level ?? "etag");
  const seed = options.seed ?? randomBytes(6).toString("hex");
  const selection = compileSelection(options);
  const { prove, recall, bytesToRead } = createProver(source, target, {
    hashCache: options.hashCache,
    signal,
    onRead: (side, bytes) => onProgress?.({ type: "read", side, bytes }),
  });
  const table = createTallyTable<Column>(["local", "cloud", "missing", "extra", "differing", "unverifiable"]);
  const ends = listEnds(source, target, {
    selection,
    signal,
    onPage: (side, objects) => onProgress?.({ type: "listed", side, objects }),
    onUnreadable: (path) => {
      lists.unverifiable.push(path);
      table.add(`${path}/`, "unverifiable", 0);
    },
  });
  const lists = {
    missing: createSpool<string>(),
    extra: createSpool<string>(),
    differing: createSpool<string>(),
    unverifiable: createSpool<string>(),
    failures: createSpool<FileFailure>(),
    unreadable: ends.unreadable,
    skippedEntries: ends.skippedEntries,
  };
  const close = (): void => {
    for (const list of Object.values(lists)) list.close();
  };
  let readFiles = 0;

  /** What is to be done about a pair, told as soon as it is listed. */
  const take = (listed: ListingPair): Candidate | undefined => {
    if (selection.judge(listed.key) !== "selected") return undefined;
    const pair = recall(listed);
    const isSampled = isToBeRead(pair, level, seed);
    const bytes = bytesToRead(pair, isSampled);
    if (bytes > 0) onProgress?.({ type: "toRead", files: 1, bytes });
    return { pair, isSampled, bytes };
  };

  const judge = async (candidate: Candidate): Promise<Judged> => {
    const { pair, isSampled } = candidate;
    // It may well be at the source.
    if (pair.source === undefined && ends.hidden.has(pair.key))
      return { ...candidate, action: "unverifiable" };
    try {
      return { ...candidate, action: await prove(pair, isSampled) };
    } catch (error) {
      if (!isStorageError(error) || error.code === "aborted" || error.code === "unauthenticated") throw error;
      const failure: FileFailure = { key: pair.key, code: error.code, message: error.message };
      return { ...candidate, action: "unverifiable", failure };
    }
  };

  const ahead = listAhead(ends.pairs, { take, onEnd: () => onProgress?.({ type: "listedAll" }) });

  try {
    for await (const { pair, isSampled, bytes, action, failure } of mapOrdered(
      ahead,
      HASH_CONCURRENCY,
      judge,
    )) {
      const { key, source: left, target: right } = pair;
      if (left !== undefined) table.add(key, "local", left.sizeBytes);
      if (right !== undefined) table.add(key, "cloud", right.sizeBytes);
      // With both contents at hand there is a verdict.
      if (isSampled && action !== "unverifiable") readFiles++;
      if (failure !== undefined) lists.failures.push(failure);
      if (bytes > 0 || failure !== undefined) onProgress?.({ type: "compared", key, failure });
      const column = COLUMN_OF[action];
      if (column === undefined) continue;
      table.add(key, column, 0);
      lists[column].push(key);
    }
  } catch (error) {
    close();
    throw error;
  }

  const { local, cloud, missing, extra, differing } = table.total();
  return {
    folders: table.folders().map(({ folder, row }) => folderParity(folder, row)),
    bytes: { local: local.bytes, cloud: cloud.bytes },
    readFiles,
    seed,
    ...lists,
    equal:
      missing.files + extra.files + differing.files + ends.unusableNames() + lists.unreadable.length === 0,
    unusableNames: ends.unusableNames(),
    close,
  };
}

type Column = "local" | "cloud" | "missing" | "extra" | "differing" | "unverifiable";

interface Candidate {
  readonly pair: ContentPair;
  /** Whether both sides are read, whatever the listings claim. */
  readonly isSampled: boolean;
  readonly bytes: number;
}

interface Judged extends Candidate {
  readonly action: FinalAction;
  readonly failure?: FileFailure;
}

const COLUMN_OF: Readonly<Partial<Record<FinalAction, Exclude<Column, "local" | "cloud">>>> = {
  copy: "missing",
  extra: "extra",
  differs: "differing",
  unverifiable: "unverifiable",
};

/** Whether both sides of a pair are read: with no size in common there is nothing to read, they differ. */
function isToBeRead({ key, source, target }: ContentPair, level: VerifyLevel, seed: string): boolean {
  if (source === undefined || target === undefined || source.sizeBytes !== target.sizeBytes) return false;
  if (source.sizeBytes === 0 || level.type === "etag") return false;
  return level.type === "full" || hashKey(`${seed}\0${key}`) / 2 ** 48 < level.share;
}

function folderParity(folder: string, row: TallyRow<Column>): FolderParity {
  return {
    folder,
    local: row.local.files,
    bytes: row.local.bytes,
    cloud: row.cloud.files,
    missing: row.missing.files,
    extra: row.extra.files,
    differing: row.differing.files,
    unverifiable: row.unverifiable.files,
  };
}
