import type { StorageError } from "@parquetry/core";
import type { CustomKind, OptionKinds } from "@parquetry/core/unstable";

/** Options of `compact`. */
export interface CompactOptions {
  /** `true` only reports what would be done and writes nothing. Default `false`. */
  readonly dryRun?: boolean | undefined;
  /** Only partitions with these values, such as `{ year: 2024, week: [1, 2] }`, or values that a function accepts. Default: all. */
  readonly where?:
    | Readonly<Record<string, string | number | readonly (string | number)[] | ((value: string) => boolean)>>
    | undefined;
  /** Columns to sort the rows by, so that readers can skip row groups. Default: the order of the files. */
  readonly sortBy?: readonly string[] | undefined;
  /**
   * Writes another entity, partitioned by fewer keys; the other keys become columns. The entity that is read stays unchanged. A
   * second run skips partitions made from the same files, and replaces those made from other files. An entity that is partitioned
   * by other keys is refused with `invalid_argument`. Default: merges the files of each partition in place.
   */
  readonly into?: { readonly entity: string; readonly keys: readonly string[] } | undefined;
  /** Stops between partitions and within one. Each partition is then either unchanged or done. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each partition. */
  readonly onPartition?: ((partition: CompactedPartition) => void) | undefined;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const partitionValues: CustomKind = {
  expected: "an object of partition values, such as { year: 2024, week: [1, 2] }",
  is: (where) =>
    isObject(where) &&
    Object.values(where)
      .flat()
      .every((value) => ["string", "function"].includes(typeof value) || Number.isFinite(value)),
};

const target: CustomKind = {
  expected: 'an object such as { entity: "raw/plays_by_week", keys: ["year", "week"] }',
  is: (into) => {
    if (!isObject(into)) return false;
    const { entity, keys, ...others } = into;
    const areNames = Array.isArray(keys) && keys.every((key) => typeof key === "string");
    return typeof entity === "string" && areNames && Object.keys(others).length === 0;
  },
};

/** The kinds of {@link CompactOptions}. */
export const COMPACT_OPTIONS: OptionKinds<CompactOptions> = {
  dryRun: "boolean",
  where: partitionValues,
  sortBy: "strings",
  into: target,
  signal: "signal",
  onPartition: "function",
};

/** A partition that was, or would be, written as one file. */
export interface CompactedPartition {
  /** Its path, such as `year=2024/week=1`. Empty for an entity without keys. */
  readonly partition: string;
  /** The number of files that it is made from. */
  readonly filesBefore: number;
  /** Their bytes. */
  readonly bytesBefore: number;
  /** The bytes of the one file. Absent in a dry run. */
  readonly bytesAfter?: number | undefined;
  /** Its rows. Absent in a dry run. */
  readonly rows?: number | undefined;
}

/** A partition that is left unchanged, and why. */
export interface SkippedPartition {
  readonly partition: string;
  readonly reason: string;
}

/** What `compact` did, or would do. */
export interface CompactionReport {
  /** The entity that was read. */
  readonly entity: string;
  /** The entity that was written: the same one unless `into` names another. */
  readonly target: string;
  /** True where nothing was written. */
  readonly dryRun: boolean;
  /** The partitions that are one file now. */
  readonly compacted: readonly CompactedPartition[];
  /** Partitions that need nothing, or that cannot be rewritten. */
  readonly skipped: readonly SkippedPartition[];
  /** Partitions that are unchanged because something failed. */
  readonly failed: readonly { readonly partition: string; readonly error: StorageError }[];
}
