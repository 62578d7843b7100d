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
    const group = groups.get(partition.path()) ?? { partition, files: [] };
    group.files.push(file);
    groups.set(partition.path(), group);
  }
  const steps: CompactionStep[] = [];
  const skipped: SkippedPartition[] = [];
  for (const [path, step] of groups) {
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
