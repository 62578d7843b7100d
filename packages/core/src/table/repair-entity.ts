import { mapConcurrent } from "../bytes/concurrency/map-concurrent.ts";
import type { Key } from "../bytes/key.ts";
import type { ObjectInfo, OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, type StorageError } from "../bytes/storage-error.ts";
import { openByteSource } from "../parquet/byte-source.ts";
import { openParquet } from "../parquet/open-parquet.ts";
import { CREATED_BY } from "../parquet/write-parquet.ts";
import { commitAgain, renameManifest, staleFiles, unpublished } from "./commit-draft.ts";
import { FIRST_FILE_NAME, strayFiles } from "./committed-files.ts";
import { looksLikeData } from "./data-file.ts";
import { unknownEntity } from "./entities.ts";
import { type PartitionState, readPartitionState } from "./partition-state.ts";
import { type PartitionFolder, walkPartitions } from "./partition-tree.ts";

/** Partitions that are repaired concurrently. */
const REPAIR_CONCURRENCY = 16;

/** Options of `repair`. */
export interface RepairOptions extends OperationOptions {
  /** `true` reports what would be done and changes nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** A data file whose rows are not part of the table. */
export interface Leftover {
  /** Its key. */
  readonly path: string;
  /** Its size in bytes. */
  readonly bytes: number;
}

/** The result of `repair`. */
export interface RepairReport {
  /** The number of partitions. */
  readonly partitions: number;
  /** Removed files: of writes killed before their commit, or replaced by a write killed after its commit. */
  readonly removed: readonly Leftover[];
  /** Partitions that got the manifest which a killed first write had not stored. */
  readonly completed: readonly string[];
  /** Partitions whose new rows plain readers did not find, since the write was killed between its commit and its last step. */
  readonly published: readonly string[];
  /** Partitions whose `manifest.json`, which stops pyarrow and Spark, became `_manifest.json`, which engines ignore. */
  readonly renamed: readonly string[];
  /**
   * Data files that no read returns, and that `repair` keeps, since only their owner knows what they are for: below a folder
   * that is not named `key=value`, in a format that is not read, or added by another system to a folder whose manifest does not
   * list them.
   */
  readonly strays: readonly Leftover[];
  /** The errors of partitions that cannot be repaired: a broken manifest, or one that names a file which does not exist. */
  readonly broken: readonly StorageError[];
}

/**
 * Finds and removes files that killed writes left in an entity. The rows stay exactly as they are. A concurrent write to a
 * partition with leftovers gets `conflict`, since its file cannot be told from theirs.
 *
 * @throws StorageError `not_found` for an unknown entity.
 */
export async function repairEntity(
  backend: StorageBackend,
  entity: Key,
  options: RepairOptions = {},
): Promise<RepairReport> {
  const { folders, strays } = await walkPartitions(backend, entity, { signal: options.signal });
  if (folders.length === 0) throw await unknownEntity(backend, entity, "repair", strays);
  const findings = await mapConcurrent(folders, REPAIR_CONCURRENCY, (folder) =>
    repairPartition(backend, entity, folder, options),
  );
  return {
    partitions: folders.length,
    removed: findings.flatMap(({ removed }) => removed),
    completed: findings.flatMap(({ completed }) => (completed === undefined ? [] : [completed])),
    published: findings.flatMap(({ published }) => (published === undefined ? [] : [published])),
    renamed: findings.flatMap(({ renamed }) => (renamed === undefined ? [] : [renamed])),
    strays: [
      ...strays.filter(({ key }) => looksLikeData(key.slice(key.lastIndexOf("/") + 1))).map(leftover),
      ...findings.flatMap((finding) => finding.strays),
    ],
    broken: findings.flatMap(({ broken }) => (broken === undefined ? [] : [broken])),
  };
}

/** What {@link repairPartition} found. */
export interface Finding {
  readonly removed: readonly Leftover[];
  readonly strays: readonly Leftover[];
  readonly completed?: string | undefined;
  readonly published?: string | undefined;
  readonly renamed?: string | undefined;
  readonly broken?: StorageError | undefined;
}

/**
 * Does what {@link repairEntity} does in one partition.
 *
 * @throws StorageError `conflict` if a writer commits in the meantime.
 */
export async function repairPartition(
  backend: StorageBackend,
  entity: Key,
  { prefix, partition }: PartitionFolder,
  { dryRun = false, signal }: RepairOptions,
): Promise<Finding> {
  let state: PartitionState;
  let owesManifest: boolean;
  try {
    state = await readPartitionState(backend, prefix, partition, signal, "below too");
    if (state.kind === "bare") return { removed: [], strays: [] };
    state.committed();
    owesManifest = await isUnfinishedFirstWrite(backend, state, signal);
  } catch (error) {
    if (isStorageError(error, "corrupt") || isStorageError(error, "not_found"))
      return { removed: [], strays: [], broken: error };
    throw error;
  }
  const removed = staleFiles(state, state.committed(), false).map(({ info }) => leftover(info));
  const strays = strayFiles(state.files, state.committed(), state.manifest).map(({ info }) => leftover(info));
  const published = unpublished(state, state.committed()).length === 0 ? undefined : prefix;
  const isTidy = removed.length === 0 && !owesManifest && published === undefined;
  const renamed = state.oldManifest === undefined ? undefined : prefix;
  if (isTidy && renamed === undefined) return { removed, strays };
  if (!dryRun) {
    const failures: StorageError[] = [];
    const options = { signal, onLeftover: (error: StorageError) => failures.push(error) };
    if (isTidy) await renameManifest(backend, state, options);
    else await commitAgain(backend, entity, partition, state, options);
    const [failure] = failures;
    if (failure !== undefined) throw failure;
  }
  return { removed, strays, published, renamed, completed: owesManifest ? prefix : undefined };
}

const leftover = ({ key, sizeBytes }: ObjectInfo): Leftover => ({ path: key, bytes: sizeBytes });

/** Returns whether a first file lacks its manifest: its writer was killed before it stored one, or is about to store it. */
async function isUnfinishedFirstWrite(
  backend: StorageBackend,
  state: PartitionState,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const [only, ...others] = state.committed();
  if (state.manifest !== undefined || others.length > 0 || only?.name !== FIRST_FILE_NAME) return false;
  const file = await openParquet(await openByteSource(backend, only.info.key, { known: only.info, signal }));
  return file.createdBy === CREATED_BY;
}
