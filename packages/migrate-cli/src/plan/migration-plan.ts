import type { CustomKind, Key, SkippedEntry, StorageErrorCode } from "@parquetry/core/backend";
import type { LeftOutClass } from "../select/left-out.ts";
import type { Spool } from "../spool/spool.ts";
import type { TallyRow } from "./tally.ts";

/**
 * What a plan counts, by top-level folder. `refused`: its name cannot be stored; `failed`: it could not be read; `unreadable`:
 * a folder of the source that could not be read; `unseen`: the target has it, and at the source it would lie in such a folder.
 */
export type PlanKind =
  | "copy"
  | "skip"
  | "overwrite"
  | "differs"
  | "unverifiable"
  | "refused"
  | "failed"
  | "unreadable"
  | "unseen"
  | "extra"
  | "leftOut";

/** Every {@link PlanKind}. */
export const PLAN_KINDS: readonly PlanKind[] = [
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
];

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
  /** The MD5 that the source's listing proves, in hex. */
  readonly md5?: string | undefined;
  /** The ETag of the target's object that this replaces; absent where it creates one. */
  readonly replaces?: string | undefined;
}

/** A file that something went wrong with. */
export interface FileFailure {
  /** Its key. */
  readonly key: string;
  /** What went wrong, as one word. */
  readonly code: StorageErrorCode | "refused";
  /** What went wrong, for people. Never a secret. */
  readonly message: string;
}

/** The requests a migration takes. Those of a local side are free and not counted. */
export interface PlannedRequests {
  /** LIST at the source. */
  readonly sourceList: number;
  /** GET at the source: one for each file to copy. */
  readonly sourceGet: number;
  /** LIST at the target. */
  readonly targetList: number;
  /** PUT at the target, parts of large files included. */
  readonly targetPut: number;
}

/** What a migration will do; nothing of it is done yet. Close it, or its temporary files stay. */
export interface MigrationPlan {
  /** Where from, for people. */
  readonly from: string;
  /** Where to, for people. */
  readonly to: string;
  /** Counts by top-level folder, `.` for files of the root. */
  readonly folders: readonly { readonly folder: string; readonly row: TallyRow<PlanKind> }[];
  /** The sum over all folders. */
  readonly total: TallyRow<PlanKind>;
  /** How many of the selected files each default exclusion left out. */
  readonly leftOut: Readonly<Record<LeftOutClass, number>>;
  /** Requests of the listings already made and of the copies to come. */
  readonly requests: PlannedRequests;
  /** What the target will hold of the selected files afterwards, in bytes. */
  readonly storedBytes: number;
  /** What to copy or overwrite, in key order. */
  readonly files: Spool<PlannedFile>;
  /** Keys whose content differs and that are left alone. */
  readonly differing: Spool<string>;
  /** Keys whose content nothing proves. */
  readonly unverifiable: Spool<string>;
  /** Keys that only the target has. */
  readonly extra: Spool<string>;
  /** Files that cannot be stored under their name at the target, or could not be read, with the reason. */
  readonly failures: Spool<FileFailure>;
  /** Folders of the source that could not be read, and files that could not be looked at: what lies there is not planned. */
  readonly unreadable: Spool<FileFailure>;
  /** What lies at the source but is no file that can be copied: symbolic links, sockets, impossible names. */
  readonly skippedEntries: Spool<SkippedEntry>;
  /** How many of them are files that no key can name, and that a migration would lose. */
  readonly unusableNames: number;
  /** Removes the plan's temporary files. */
  close(): void;
}
