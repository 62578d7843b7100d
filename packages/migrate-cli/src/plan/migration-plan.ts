import type { Key, StorageErrorCode } from "@parquetry/core/backend";
import type { CustomKind, SkippedEntry } from "@parquetry/core/unstable";
import type { LeftOutClass } from "../select/left-out.ts";
import type { UnmatchedPattern } from "../select/selection.ts";
import type { Spool } from "../spool/spool.ts";
import type { TallyRow } from "./tally.ts";

/**
 * The kinds of entries that a plan counts. `refused`: the target cannot store its name; `failed`: it could not be read;
 * `unreadable`: a folder of the source that could not be read; `unseen`: an object of the target in such a folder.
 */
export const PLAN_KINDS = [
  "copy",
  "skip",
  "overwrite",
  "differs",
  "unverifiable",
  "refused",
  "failed",
  "unreadable",
  "unseen",
  "extra",
  "leftOut",
] as const;

/** One of {@link PLAN_KINDS}. */
export type PlanKind = (typeof PLAN_KINDS)[number];

/** The kind of an option that takes a {@link MigrationPlan}. */
export const PLAN_KIND: CustomKind = {
  expected: "a MigrationPlan, as planMigration(source, target) returns",
  is: (value) => typeof value === "object" && value !== null && "files" in value && "close" in value,
};

/** A file that a migration will copy. */
export interface PlannedFile {
  /** Its key, the same on both sides. */
  readonly key: Key;
  /** Its size at the source, in bytes. */
  readonly sizeBytes: number;
  /** The source's version. */
  readonly etag: string;
  /** The MD5 that the source's listing proves, in hex. Absent if it proves none. */
  readonly md5?: string | undefined;
  /** The ETag of the target's object that it replaces; absent if it creates one. */
  readonly replaces?: string | undefined;
}

/** A file that failed. */
export interface FileFailure {
  /** Its key. */
  readonly key: string;
  /** The error code. */
  readonly code: StorageErrorCode | "refused";
  /** A human-readable message. Contains no secret. */
  readonly message: string;
}

/** The requests that a migration takes. A directory takes none. */
export interface PlannedRequests {
  /** LIST at the source. */
  readonly sourceList: number;
  /** GET at the source: one per file to copy, or one per range of a large file. */
  readonly sourceGet: number;
  /** LIST at the target. */
  readonly targetList: number;
  /** PUT at the target, including the parts of large files. */
  readonly targetPut: number;
}

/** The plan of a migration. Making it writes nothing. Close it to remove its temporary files. */
export interface MigrationPlan {
  /** The URL of the source. */
  readonly from: string;
  /** The URL of the target. */
  readonly to: string;
  /** Counts by top-level folder; `.` is for the files of the root. */
  readonly folders: readonly { readonly folder: string; readonly row: TallyRow<PlanKind> }[];
  /** The sum over all folders. */
  readonly total: TallyRow<PlanKind>;
  /** Patterns of `include` and `exclude` that matched nothing. */
  readonly unmatched: readonly UnmatchedPattern[];
  /** The number of selected files that each default exclusion left out. */
  readonly leftOut: Readonly<Record<LeftOutClass, number>>;
  /** The requests of the listings that were made and of the copies to come. */
  readonly requests: PlannedRequests;
  /** The size of the selected files at the target afterwards, in bytes. */
  readonly storedBytes: number;
  /** The files to copy or overwrite, in key order. */
  readonly files: Spool<PlannedFile>;
  /** Keys whose content differs. They are left alone. */
  readonly differing: Spool<string>;
  /** Keys whose content nothing proves equal or different. */
  readonly unverifiable: Spool<string>;
  /** Keys that only the target has. They are left alone. */
  readonly extra: Spool<string>;
  /** Files whose names the target cannot store, or that could not be read, with the reason. */
  readonly failures: Spool<FileFailure>;
  /** Folders and files of the source that could not be read and so are not planned. */
  readonly unreadable: Spool<FileFailure>;
  /** Entries of the source that cannot be copied: symbolic links, sockets, names that cannot be keys. */
  readonly skippedEntries: Spool<SkippedEntry>;
  /** How many of them are files whose names cannot be keys; a migration would lose them. */
  readonly unusableNames: number;
  /** Removes the temporary files. */
  close(): void;
}
