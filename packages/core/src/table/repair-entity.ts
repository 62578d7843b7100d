import { mapConcurrent } from "../bytes/concurrency/map-concurrent.ts";
import type { Key } from "../bytes/key.ts";
import type { ObjectInfo, OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, type StorageError } from "../bytes/storage-error.ts";
import { openByteSource } from "../parquet/byte-source.ts";
import { openParquet } from "../parquet/open-parquet.ts";
import { CREATED_BY } from "../parquet/write-parquet.ts";
import { commitAgain, staleFiles } from "./commit-draft.ts";
import { FIRST_FILE_NAME, strayFiles } from "./committed-files.ts";
import { unknownEntity } from "./entities.ts";
import { type PartitionState, readPartitionState } from "./partition-state.ts";
import { type PartitionFolder, walkPartitions } from "./partition-tree.ts";

/** Partitions looked at in parallel. */
const REPAIR_CONCURRENCY = 16;

/** Options of `repair`. */
export interface RepairOptions extends OperationOptions {
  /** `true` only reports what would be done. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** A file that holds no rows of the table. */
export interface Leftover {
  /** Its key. */
  readonly path: string;
  /** Its size in bytes. */
  readonly bytes: number;
}

/** What `repair` found and did. */
export interface RepairReport {
  /** How many partitions there are. */
  readonly partitions: number;
  /** Files that do not count: of writes that were killed before their commit, or replaced by one killed after it. */
  readonly removed: readonly Leftover[];
  /** Partitions that got the manifest which a killed first write owed them. */
  readonly completed: readonly string[];
  /**
   * Data files that no read returns and that `repair` leaves where they are, since nobody but their owner knows what they
   * are for: below a folder that is no `key=value`, or put by another system beside a manifest that does not list them.
   */
  readonly strays: readonly Leftover[];
  /** What cannot be repaired: a manifest that is no manifest, or that names a file which is not there. */
  readonly broken: readonly StorageError[];
}

/**
 * Finds and removes what killed writes left in an entity. Rows stay exactly as they were. A write that is in flight in a
 * partition with leftovers gets `conflict`, since nobody can tell its file from theirs.
 *
 * @throws StorageError `not_found` for an unknown entity.
 */
export async function repairEntity(
  backend: StorageBackend,
  entity: Key,
  options: RepairOptions = {},
): Promise<RepairReport> {
  const { folders, strays } = await walkPartitions(backend, entity, { signal: options.signal });
  if (folders.length === 0) throw await unknownEntity(backend, entity, "repair");
  const findings = await mapConcurrent(folders, REPAIR_CONCURRENCY, (folder) =>
    repairPartition(backend, entity, folder, options),
  );
  return {
    partitions: folders.length,
    removed: findings.flatMap(({ removed }) => removed),
    completed: findings.flatMap(({ completed }) => (completed === undefined ? [] : [completed])),
    strays: [...strays.map(leftover), ...findings.flatMap((finding) => finding.strays)],
    broken: findings.flatMap(({ broken }) => (broken === undefined ? [] : [broken])),
  };
}

interface Finding {
  readonly removed: readonly Leftover[];
  readonly strays: readonly Leftover[];
  readonly completed?: string | undefined;
  readonly broken?: StorageError | undefined;
}

async function repairPartition(
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
  const kept = state
    .committed()
    .map(({ name, info }) => ({ name, rows: 0, bytes: info.sizeBytes, sha256: "" }));
  const removed = staleFiles(state, kept, false).map(({ info }) => leftover(info));
  const strays = strayFiles(state.files, state.committed(), state.manifest).map(({ info }) => leftover(info));
  if (removed.length === 0 && !owesManifest) return { removed, strays };
  if (!dryRun) {
    const failures: StorageError[] = [];
    await commitAgain(backend, entity, partition, state, {
      signal,
      onLeftover: (error) => failures.push(error),
    });
    const [failure] = failures;
    if (failure !== undefined) throw failure;
  }
  return { removed, strays, completed: owesManifest ? prefix : undefined };
}

const leftover = ({ key, sizeBytes }: ObjectInfo): Leftover => ({ path: key, bytes: sizeBytes });

/** A first file of ours that is alone: its writer was killed before it could add the manifest, or is about to. */
async function isUnfinishedFirstWrite(
  backend: StorageBackend,
  state: PartitionState,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const [only, ...others] = state.committed();
  if (state.manifestInfo !== undefined || others.length > 0 || only?.name !== FIRST_FILE_NAME) return false;
  const file = await openParquet(await openByteSource(backend, only.info.key, { known: only.info, signal }));
  return file.createdBy === CREATED_BY;
}
