import type { StorageError } from "@parquetry/core/backend";
import type { FileFailure, MigrationPlan, PlannedFile } from "../plan/migration-plan.ts";
import type { Tally, TallyRow } from "../plan/tally.ts";
import type { Spool } from "../spool/spool.ts";

/** How a file was copied: as a new object, or with `force` over another one. */
export type CopyKind = "created" | "replaced";

/** One of the slowest files. */
export interface SlowFile {
  /** Its key. */
  readonly key: string;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** How long copying took, in milliseconds. */
  readonly durationMs: number;
}

/** The result of a migration. Close it to remove its temporary files. */
export interface MigrationResult {
  /** The plan, with lists of the files that were left alone. */
  readonly plan: MigrationPlan;
  /** The files that were created or, with `force`, replaced at the target. */
  readonly copied: Tally;
  /** The same by top-level folder; `.` is for the files of the root. */
  readonly folders: readonly { readonly folder: string; readonly row: TallyRow<CopyKind> }[];
  /** Returns the planned files that were not copied, because they failed or the run stopped before. */
  pending(): AsyncIterable<PlannedFile>;
  /** Files that could not be copied, with the reason. Files that the plan refused are in `plan.failures`. */
  readonly failures: Spool<FileFailure>;
  /** How often a file was read again. */
  readonly retries: number;
  /** How many copied files are not proven to be at the target; `verify --level full` reads them on both sides. */
  readonly unproven: number;
  /** Why the run stopped before the end of the plan; absent if it did not. */
  readonly stopped?: "interrupted" | "max_errors" | "hopeless" | undefined;
  /** The failure that all further files would have shared; present if `stopped` is `hopeless`. */
  readonly hopeless?: StorageError | undefined;
  /** How long copying took, in milliseconds. */
  readonly durationMs: number;
  /** The slowest files, slowest first. */
  readonly slowest: readonly SlowFile[];
  /** Whether the target now holds every selected file of the source, with the content that was read. */
  readonly complete: boolean;
  /** Removes the temporary files of the result and of its plan. */
  close(): void;
}
