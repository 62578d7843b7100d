import { createHash } from "node:crypto";
import { type Key, StorageError } from "@parquetry/core";
import {
  committedFiles,
  type DataFile,
  type MadeFrom,
  type PartitionFolder,
} from "@parquetry/core/unstable/tables";
import type { DuckDb } from "../duckdb/duckdb.ts";
import type { FileSource } from "../files/file-source.ts";
import type { CompactionStep } from "./plan-compaction.ts";

export interface TargetState {
  /** True where it contains exactly what would be written. */
  readonly isDone: boolean;
  /** The files that the new one replaces. */
  readonly replaced: readonly DataFile[];
}

/** Identifies the files that a partition is made from, and how it is made. */
export function madeFrom(entity: Key, { files }: CompactionStep, how: readonly unknown[]): MadeFrom {
  const versions = files.map(({ file: { info } }) => [info.key, info.etag]).sort();
  const hash = createHash("sha256").update(JSON.stringify([versions, how]));
  return { entity, version: hash.digest("hex") };
}

/** The note in the footer of a file that compact writes into another entity. */
export function noteOf({ entity, version }: MadeFrom): string {
  return JSON.stringify({ entity, version });
}

/**
 * Compares a stored partition with what would be written there.
 *
 * @param isWhole false where only a part of its rows would be written.
 * @throws StorageError `conflict` where it contains other rows than those of an earlier run.
 */
export async function targetState(
  folder: PartitionFolder | undefined,
  wanted: MadeFrom,
  isWhole: boolean,
  { duckdb, source }: { readonly duckdb: DuckDb; readonly source: FileSource },
  signal: AbortSignal | undefined,
): Promise<TargetState> {
  if (folder === undefined) return { isDone: false, replaced: [] };
  const manifest = folder.manifest && (await source.readManifest(folder.manifest, signal));
  const replaced = committedFiles(folder, manifest);
  const [file, ...others] = replaced;
  if (manifest === undefined && file !== undefined && others.length === 0) {
    // A run that was killed before it could write the manifest left its one file, which says from what it was made.
    const count = { fetchedFiles: 0, fetchedBytes: 0 };
    const [scan] = await source.fetch([{ file, entries: folder.partition.entries }], { signal, count });
    const note = scan && (await duckdb.readNote(scan, { signal }).catch(() => undefined));
    if (note === noteOf(wanted)) return { isDone: false, replaced };
  }
  const made = manifest?.made_from;
  if (made?.entity === wanted.entity && made.version === wanted.version) return { isDone: true, replaced };
  if (replaced.length === 0 || (made?.entity === wanted.entity && isWhole))
    return { isDone: false, replaced };
  const problem =
    made?.entity === wanted.entity
      ? `was made from other files of ${wanted.entity}, and this selection has only a part of its rows`
      : `contains rows that compact has not made from ${wanted.entity}`;
  throw new StorageError({
    code: "conflict",
    op: "compact",
    path: folder.prefix,
    message: `compact: ${folder.prefix} ${problem}; it is left unchanged. Delete it, or write into another entity.`,
  });
}
