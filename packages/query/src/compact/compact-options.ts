import type { StorageError } from "@parquetry/core";

/** Options of `compact`. */
export interface CompactOptions {
  /** `true` only says what would be done; nothing is written. Default `false`. */
  readonly dryRun?: boolean | undefined;
  /** Only partitions with these values, such as `{ year: 2024, week: [1, 2] }`, or values that a function accepts. Default: all. */
  readonly where?:
    | Readonly<Record<string, string | number | readonly (string | number)[] | ((value: string) => boolean)>>
    | undefined;
  /** Columns that the rows are sorted by, so that row groups can be skipped. Default: the rows stay in the files' order. */
  readonly sortBy?: readonly string[] | undefined;
  /**
   * Writes another entity instead, partitioned by fewer keys: the others become columns. The entity that is read stays as
   * it is. Run again, what was made of the same files stays, and what was made of others is made anew. Default: the files of
   * each partition become one, in place.
   */
  readonly into?: { readonly entity: string; readonly keys: readonly string[] } | undefined;
  /** Stops between partitions and within one; each is either as it was or done. */
  readonly signal?: AbortSignal | undefined;
  /** Told after each partition. */
  readonly onPartition?: ((partition: CompactedPartition) => void) | undefined;
}

/** A partition that was, or would be, written as one file. */
export interface CompactedPartition {
  /** Its path, such as `year=2024/week=1`; empty for an entity without keys. */
  readonly partition: string;
  /** How many files its rows come from. */
  readonly filesBefore: number;
  /** Their bytes. */
  readonly bytesBefore: number;
  /** The bytes of the one file. Absent in a dry run. */
  readonly bytesAfter?: number | undefined;
  /** Its rows. Absent in a dry run. */
  readonly rows?: number | undefined;
}

/** A partition that stays as it is, and why. */
export interface SkippedPartition {
  readonly partition: string;
  readonly reason: string;
}

/** What `compact` did, or would do. */
export interface CompactionReport {
  /** The entity that was read. */
  readonly entity: string;
  /** Where the files are: the same entity unless `into` names another. */
  readonly target: string;
  /** True where nothing was written. */
  readonly dryRun: boolean;
  /** The partitions that are one file now. */
  readonly compacted: readonly CompactedPartition[];
  /** Partitions that are done already, and those that cannot be rewritten. */
  readonly skipped: readonly SkippedPartition[];
  /** Partitions that are as they were because something failed. */
  readonly failed: readonly { readonly partition: string; readonly error: StorageError }[];
}
