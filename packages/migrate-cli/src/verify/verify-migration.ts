import { randomBytes } from "node:crypto";
import { isStorageError, type StorageBackend, throwIfAborted } from "@parquetry/core/backend";
import {
  checkOptions,
  isYieldDue,
  type OptionKinds,
  type SkippedEntry,
  yieldIfDue,
} from "@parquetry/core/unstable";
import { listAhead } from "../listing/list-ahead.ts";
import { checkEnds } from "../plan/check-ends.ts";
import { judgePairs } from "../plan/judge-pairs.ts";
import { listEnds } from "../plan/list-ends.ts";
import type { ListingPair } from "../plan/merge-listings.ts";
import type { FileFailure } from "../plan/migration-plan.ts";
import type { PlanProgress } from "../plan/plan-migration.ts";
import { createTallyTable, type TallyRow } from "../plan/tally.ts";
import { HASH_CACHE_KIND, type HashCache } from "../proof/hash-cache.ts";
import { type ContentPair, createProver, type FinalAction } from "../proof/prove-content.ts";
import { expectReads } from "../proof/read-version.ts";
import { type LeftOutClass, noneLeftOut } from "../select/left-out.ts";
import {
  compileSelection,
  SELECTION_OPTIONS,
  type SelectionOptions,
  type UnmatchedPattern,
} from "../select/selection.ts";
import { hashKey } from "../select/shard.ts";
import { createSpool, type Spool } from "../spool/spool.ts";
import type { FolderParity } from "./folder-parity.ts";
import { parseVerifyLevel, VERIFY_LEVEL_KIND, type VerifyLevel } from "./verify-level.ts";

/** How a file compares. */
export type Verdict = "equal" | "missing" | "extra" | "differing" | "unverifiable";

/**
 * An event of a verification. The listing runs ahead of the reading: `toRead` reports files that will be read, with their
 * bytes on all sides, until `listedAll`, which is sent once. `compared`: one of these files is done. `judged` is sent for every
 * file, in key order, with its size at the source, or at the target if the source lacks it.
 */
export type VerifyProgress =
  | PlanProgress
  | { readonly type: "toRead"; readonly files: number; readonly bytes: number }
  | { readonly type: "listedAll" }
  | { readonly type: "compared"; readonly key: string; readonly failure?: FileFailure | undefined }
  | { readonly type: "judged"; readonly key: string; readonly verdict: Verdict; readonly sizeBytes: number };

/** Options of {@link verifyMigration}. */
export interface VerifyOptions extends SelectionOptions {
  /** How far to go: `etag` (default), `full`, `sample:5%` (any percentage above 0), or a {@link VerifyLevel}. */
  readonly level?: VerifyLevel | string | undefined;
  /** Chooses the files of a sample; the same seed chooses the same files. Default: a random one. */
  readonly seed?: string | undefined;
  /** Keeps the hashes of local files between runs; `sample` and `full` ignore it. Default: they are not kept. */
  readonly hashCache?: HashCache | undefined;
  /** Stops the verification. */
  readonly signal?: AbortSignal | undefined;
  /** Called for each event. */
  readonly onProgress?: ((event: VerifyProgress) => void) | undefined;
}

/** The kinds of {@link VerifyOptions}. */
export const VERIFY_OPTIONS: OptionKinds<VerifyOptions> = {
  ...SELECTION_OPTIONS,
  level: VERIFY_LEVEL_KIND,
  seed: "string",
  hashCache: HASH_CACHE_KIND,
  signal: "signal",
  onProgress: "function",
};

/** The result of a verification. Close it to remove its temporary files. */
export interface Verification {
  /** Parity by top-level folder, in key order, `.` for files of the root. */
  readonly folders: readonly FolderParity[];
  /** The size of the files on each side, in bytes. */
  readonly bytes: { readonly source: number; readonly target: number };
  /** How many files were read on both sides, from beginning to end. Empty files are among them: their size is all of them. */
  readonly readFiles: number;
  /** Patterns of `include` and `exclude` that matched nothing. */
  readonly unmatched: readonly UnmatchedPattern[];
  /** How many files of either side each default exclusion left out. They are not compared. */
  readonly leftOut: Readonly<Record<LeftOutClass, number>>;
  /** The seed of the sample, to choose the same files again. */
  readonly seed: string;
  /** Keys that only the source has. */
  readonly missing: Spool<string>;
  /** Keys that only the target has. */
  readonly extra: Spool<string>;
  /** Keys whose content differs. */
  readonly differing: Spool<string>;
  /** Keys whose content nothing proves equal or different. */
  readonly unverifiable: Spool<string>;
  /** Files that could not be read, with the reason; they are unverifiable. */
  readonly failures: Spool<FileFailure>;
  /** Folders and files of the source that could not be read and so are not compared. Each counts as one unverifiable file. */
  readonly unreadable: Spool<FileFailure>;
  /** Entries of the source that are not files, and files of either side without a usable name. They are not compared. */
  readonly skippedEntries: Spool<SkippedEntry>;
  /** How many of them are files without a usable name, such as the S3 keys `a//b`, or `folder/` with content. */
  readonly unusableNames: number;
  /** Whether nothing is missing, extra, differing, unreadable or without a usable name. The caller judges `unverifiable`. */
  readonly equal: boolean;
  /** Removes the temporary files. */
  close(): void;
}

/**
 * Compares two sides by content. It takes one LIST per thousand objects. The files of a directory are read to compare them
 * with the hashes that a bucket's listing proves; the objects of a bucket are read only by the levels `sample` and `full`.
 *
 * @throws StorageError if a side cannot be listed; `invalid_argument` for an argument that is not a backend, for a source
 * and a target that are the same place, and for an invalid option or selection.
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
  const level = parseVerifyLevel(options.level ?? "etag");
  // Nearly every file of a directory is going to be read.
  if (options.hashCache?.isEmpty !== false) for (const backend of [source, target]) expectReads(backend);
  const seed = options.seed ?? randomBytes(6).toString("hex");
  const selection = compileSelection(options);
  const prover = createProver(source, target, {
    hashCache: options.hashCache,
    signal,
    onRead: (side, bytes) => onProgress?.({ type: "read", side, bytes }),
  });
  const table = createTallyTable<Column>([
    "source",
    "target",
    "missing",
    "extra",
    "differing",
    "unverifiable",
  ]);
  let unusableAtTarget = 0;
  const ends = listEnds(source, target, {
    selection,
    signal,
    onPage: (side, objects) => onProgress?.({ type: "listed", side, objects }),
    onUnreadable: (path) => {
      lists.unverifiable.push(path);
      table.add(`${path}/`, "unverifiable", 0);
    },
    onUnusableAtTarget: (entry) => {
      unusableAtTarget++;
      lists.skippedEntries.push({ ...entry, detail: `${entry.detail}, at the target` });
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
  const leftOut = noneLeftOut();
  let readFiles = 0;

  /** Reports how much of a pair will be read, as soon as it is listed. */
  const take = (listed: ListingPair): Candidate | undefined => {
    const verdict = selection.judge(listed.key);
    if (verdict !== "selected") {
      if (verdict !== "filtered") leftOut[verdict]++;
      return undefined;
    }
    const pair = prover.recall(listed);
    const isSampled = isToBeRead(pair, level, seed);
    const bytes = prover.bytesToRead(pair, isSampled);
    if (bytes > 0) onProgress?.({ type: "toRead", files: 1, bytes });
    return { pair, isSampled, bytes };
  };

  const decide = (candidate: Candidate): Judged | undefined => {
    const { pair, isSampled, bytes } = candidate;
    // The source may have it, in a folder that could not be read.
    const isHidden = pair.source === undefined && ends.hidden.has(pair.key);
    const action = isHidden ? "unverifiable" : prover.decide(pair, isSampled);
    return action && { pair, isSampled, bytes, action };
  };

  const prove = async (candidate: Candidate, proof?: Promise<FinalAction>): Promise<Judged> => {
    const { pair, isSampled } = candidate;
    try {
      return { ...candidate, action: await (proof ?? prover.prove(pair, isSampled)) };
    } catch (error) {
      if (!isStorageError(error) || signal?.aborted || error.code === "unauthenticated") throw error;
      const failure: FileFailure = { key: pair.key, code: error.code, message: error.message };
      return { ...candidate, action: "unverifiable", failure };
    }
  };

  const add = ({ pair, isSampled, bytes, action, failure }: Judged): void => {
    const { key, source: left, target: right } = pair;
    if (left !== undefined) table.add(key, "source", left.sizeBytes);
    if (right !== undefined) table.add(key, "target", right.sizeBytes);
    // A verdict means that both sides were read to the end.
    if (isSampled && action !== "unverifiable") readFiles++;
    if (failure !== undefined) lists.failures.push(failure);
    if (bytes > 0 || failure !== undefined) onProgress?.({ type: "compared", key, failure });
    const column = COLUMN_OF[action];
    const sizeBytes = left?.sizeBytes ?? right?.sizeBytes ?? 0;
    onProgress?.({ type: "judged", key, verdict: column ?? "equal", sizeBytes });
    if (column === undefined) return;
    table.add(key, column, 0);
    lists[column].push(key);
  };

  const ahead = listAhead(ends.pairs, { take, onEnd: () => onProgress?.({ type: "listedAll" }) });

  try {
    const judging = judgePairs<Candidate, Judged>(ahead, {
      ...{ prover, decide, prove },
      pairTogether: ({ pair, isSampled }) => (isSampled ? undefined : pair),
      conclude: (candidate, action) => ({ ...candidate, action }),
    });
    for await (const batch of judging) {
      for (const judged of batch) {
        if (isYieldDue()) await yieldIfDue();
        throwIfAborted(signal, "verify", "", source.name);
        add(judged);
      }
    }
  } catch (error) {
    close();
    throw error;
  }

  const total = table.total();
  const unusableNames = ends.unusableNames() + unusableAtTarget;
  return {
    folders: table.folders().map(({ folder, row }) => folderParity(folder, row)),
    bytes: { source: total.source.bytes, target: total.target.bytes },
    readFiles,
    unmatched: selection.unmatched(),
    leftOut,
    seed,
    ...lists,
    equal:
      lists.missing.length +
        lists.extra.length +
        lists.differing.length +
        lists.unreadable.length +
        unusableNames ===
      0,
    unusableNames,
    close,
  };
}

type Column = "source" | "target" | Exclude<Verdict, "equal">;

interface Candidate {
  readonly pair: ContentPair;
  /** Whether both sides are read, whatever the listings prove. */
  readonly isSampled: boolean;
  readonly bytes: number;
}

interface Judged extends Candidate {
  readonly action: FinalAction;
  readonly failure?: FileFailure;
}

const COLUMN_OF: Readonly<Partial<Record<FinalAction, Exclude<Verdict, "equal">>>> = {
  copy: "missing",
  extra: "extra",
  differs: "differing",
  unverifiable: "unverifiable",
};

/** Whether both sides of a pair are read. Objects of different sizes differ, so there is no need to. */
function isToBeRead({ key, source, target }: ContentPair, level: VerifyLevel, seed: string): boolean {
  if (source === undefined || target === undefined || source.sizeBytes !== target.sizeBytes) return false;
  if (level.type === "etag") return false;
  return level.type === "full" || hashKey(`${seed}\0${key}`) / 2 ** 48 < level.share;
}

function folderParity(folder: string, row: TallyRow<Column>): FolderParity {
  return {
    folder,
    source: row.source.files,
    bytes: row.source.bytes,
    target: row.target.files,
    missing: row.missing.files,
    extra: row.extra.files,
    differing: row.differing.files,
    unverifiable: row.unverifiable.files,
  };
}
