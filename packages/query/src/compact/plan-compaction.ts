import { type Key, Partition } from "@parquetry/core";
import type { StoredFile } from "../files/file-source.ts";
import type { SkippedPartition } from "./compact-options.ts";

/** Files that become one. */
export interface CompactionStep {
  /** The partition of the new file. */
  readonly partition: Partition;
  readonly files: readonly StoredFile[];
}

export interface CompactionPlan {
  /** The entity that gets the files. */
  readonly target: Key;
  /** Keys of the entity that become columns. */
  readonly keyColumns: readonly string[];
  readonly steps: readonly CompactionStep[];
  readonly skipped: readonly SkippedPartition[];
}

/** The same for partitions of the same values: these are compared in Unicode's composed form (docs/decisions/0020). */
export function identityOf(partition: Partition): string {
  return partition.path().normalize("NFC");
}

/**
 * Groups files by the partition whose one file they become.
 *
 * @param keys the keys of the target; all keys where the target is the entity itself.
 */
export function planCompaction(
  target: Key,
  files: readonly StoredFile[],
  allKeys: readonly string[],
  keys: readonly string[],
): CompactionPlan {
  const keyColumns = allKeys.filter((key) => !keys.includes(key));
  const groups = new Map<string, { readonly partition: Partition; readonly files: StoredFile[] }>();
  for (const file of files) {
    const partition = Partition.of(file.entries.filter(([key]) => keys.includes(key)));
    const identity = identityOf(partition);
    const group = groups.get(identity) ?? { partition, files: [] };
    group.files.push(file);
    groups.set(identity, group);
  }
  const steps: CompactionStep[] = [];
  const skipped: SkippedPartition[] = [];
  for (const step of groups.values()) {
    const path = step.partition.path();
    if (step.files.some(({ file }) => file.format === "csv")) {
      skipped.push({ partition: path, reason: "it contains CSV, which compact does not rewrite" });
    } else if (keyColumns.length === 0 && step.files.length === 1) {
      skipped.push({ partition: path, reason: "it is one file" });
    } else {
      steps.push(step);
    }
  }
  return { target, keyColumns, steps, skipped };
}
