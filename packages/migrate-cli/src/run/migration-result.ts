import type { StorageError } from "@parquetry/core/backend";
import type { FileFailure, MigrationPlan, PlannedFile } from "../plan/migration-plan.ts";
import type { Tally, TallyRow } from "../plan/tally.ts";
import type { Spool } from "../spool/spool.ts";

/** How a file was copied: as a new one, or with `force` over what was there. */
export type CopyKind = "created" | "replaced";

/** One of the files that took longest. */
export interface SlowFile {
  /** Its key. */
  readonly key: string;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** How long copying took, in milliseconds. */
  readonly durationMs: number;
}

/** What a migration did. */
export interface MigrationResult {
  /** What was planned, with the lists of what was left alone. */
  readonly plan: MigrationPlan;
  /** What was created or, with `force`, replaced at the target. */
  readonly copied: Tally;
  /** The same by top-level folder, `.` for files of the root. */
  readonly folders: readonly { readonly folder: string; readonly row: TallyRow<CopyKind> }[];
  /** What was planned and is not copied: it failed, or the run ended before. */
  pending(): AsyncIterable<PlannedFile>;
  /** What could not be copied, with the reason; what the plan refused is in `plan.failures`. */
  readonly failures: Spool<FileFailure>;
  /** How often something was tried again. */
  readonly retries: number;
  /** How many copied objects the target's ETag proves nothing about: `verify --level full` reads them back. */
  readonly unproven: number;
  /** Why it ended before the plan's end, where it did. */
  readonly stopped?: "interrupted" | "max_errors" | "hopeless" | undefined;
  /** The failure that all further files would have shared, where `stopped` is `hopeless`. */
  readonly hopeless?: StorageError | undefined;
  /** How long copying took, in milliseconds. */
  readonly durationMs: number;
  /** The files that took longest, slowest first. */
  readonly slowest: readonly SlowFile[];
  /** True where the target now holds every selected file of the source with proven content. */
  readonly complete: boolean;
  /** Removes the temporary files of the result and of its plan. */
  close(): void;
}
