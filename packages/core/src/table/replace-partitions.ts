import { type CustomKind, checkArgument, checkRows, isOfKind } from "../bytes/check-arguments.ts";
import { mapConcurrent } from "../bytes/concurrency/map-concurrent.ts";
import type { Key } from "../bytes/key.ts";
import type { Row, RowLike } from "../bytes/row.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import { isPartition, type Partition } from "../hive/partition.ts";
import type { WriteOptions } from "./write-partition.ts";

/** The default number of partitions that are written concurrently. */
export const DEFAULT_REPLACE_CONCURRENCY = 8;

/** A partition and all of its rows. */
export interface PartitionRows {
  /** The partition. */
  readonly partition: Partition;
  /** Its rows. */
  readonly rows: readonly RowLike[];
}

/** The progress of `replacePartitions`. */
export interface ReplaceProgress {
  /** The partition that was just committed. */
  readonly partition: Partition;
  /** The number of committed partitions. */
  readonly partitions: number;
  /** Their number of rows. */
  readonly rows: number;
}

/** Options of `replacePartitions`. */
export interface ReplaceOptions extends Omit<WriteOptions, "overwrite"> {
  /** How many partitions are encoded and written concurrently, and so held in memory. Default 8. */
  readonly concurrency?: number | undefined;
  /** Called after each commit. */
  readonly onProgress?: ((progress: ReplaceProgress) => void) | undefined;
}

/** The result of `replacePartitions`. */
export interface ReplaceResult {
  /** The number of replaced partitions. */
  readonly partitions: number;
  /** Their number of rows. */
  readonly rows: number;
}

/** A partition whose replacement failed, and the reason. */
export interface PartitionFailure {
  /** The partition. */
  readonly partition: Partition;
  /** The reason. With the code `outcome_unknown`, or `aborted` or `timeout` by the caller's signal, the partition may have been replaced. */
  readonly error: StorageError;
}

/** The result of a write of several partitions. */
interface PartialWrite {
  readonly entity: Key;
  readonly committed: readonly Partition[];
  readonly failed: readonly PartitionFailure[];
  readonly untried?: readonly Partition[];
}

/**
 * The error of a `replacePartitions` or `writePartitions` that did not finish. Its code is that of the first failure.
 *
 * @example
 * ```ts
 * if (error instanceof PartialWriteError) console.log(error.failed.map(({ partition }) => partition.path()));
 * ```
 */
export class PartialWriteError extends StorageError {
  /** The partitions that were written. */
  readonly committed: readonly Partition[];
  /** The partitions that were tried and are unchanged, or whose outcome is unknown. */
  readonly failed: readonly PartitionFailure[];
  /** The partitions that were not tried, of `writePartitions`. Those that the source of `replacePartitions` had not yielded are unknown. */
  readonly untried: readonly Partition[];

  constructor(op: string, cause: unknown, { entity, committed, failed, untried = [] }: PartialWrite) {
    const first = asStorageError(cause, op);
    const tried = failed.map(({ partition, error }) => `${partition.path()} (${error.message})`).join("; ");
    super({
      code: first.code,
      storeCode: first.storeCode,
      op,
      path: entity,
      backend: first.backend,
      retry: first.retry,
      attempts: first.attempts,
      message: `${op}: ${committed.length} partitions of ${entity} were written, then it stopped${
        failed.length === 0 ? `: ${first.message}` : `. Failed: ${tried}.`
      } Later partitions were not tried. Pass the partitions that are not in this error's "committed" again.`,
      cause: first,
    });
    this.committed = committed;
    this.failed = failed;
    this.untried = untried;
  }
}

const PARTITIONS: CustomKind = {
  expected: "an iterable or async iterable of { partition, rows }",
  is: (value) => isOfKind("iterable", value),
};

/**
 * Replaces many partitions concurrently, one commit each. At most `concurrency` of them are in memory. After the first failure
 * no other partition is begun.
 *
 * @throws PartialWriteError a {@link StorageError} that lists which partitions were replaced and which were not.
 */
export async function replacePartitions(
  entity: Key,
  source: Iterable<PartitionRows> | AsyncIterable<PartitionRows>,
  write: (rows: readonly Row[], partition: Partition) => Promise<number>,
  options: ReplaceOptions = {},
): Promise<ReplaceResult> {
  const { concurrency = DEFAULT_REPLACE_CONCURRENCY, onProgress } = options;
  checkArgument(source, PARTITIONS, "source", "replacePartitions");
  const committed: Partition[] = [];
  const failed: PartitionFailure[] = [];
  let rows = 0;
  try {
    await mapConcurrent(untilFailure(source, failed), concurrency, async (item) => {
      try {
        const written = await write(checkRows(item.rows, "replacePartitions"), item.partition);
        rows += written;
      } catch (error) {
        if (!isStorageError(error)) throw error;
        failed.push({ partition: item.partition, error });
        return;
      }
      committed.push(item.partition);
      onProgress?.({ partition: item.partition, partitions: committed.length, rows });
    });
  } catch (error) {
    // The source failed, or the caller's onProgress.
    throw new PartialWriteError("replacePartitions", error, { entity, committed, failed });
  }
  const [first] = failed;
  if (first !== undefined)
    throw new PartialWriteError("replacePartitions", first.error, { entity, committed, failed });
  return { partitions: committed.length, rows };
}

async function* untilFailure(
  source: Iterable<PartitionRows> | AsyncIterable<PartitionRows>,
  failed: readonly PartitionFailure[],
): AsyncGenerator<PartitionRows> {
  const seen = new Set<string>();
  for await (const item of source) {
    if (failed.length > 0) return;
    if (!isItem(item)) {
      throw invalid(
        "each item of the source must be { partition, rows }, with a partition({ … }) and an array of rows",
        undefined,
      );
    }
    const path = item.partition.path();
    // Composed and decomposed letters name the same folder.
    const folder = path.normalize("NFC");
    if (seen.has(folder)) throw invalid(`${path} comes twice; pass all of its rows in one item`, path);
    seen.add(folder);
    yield item;
    if (failed.length > 0) return;
  }
}

function isItem(item: unknown): boolean {
  try {
    const { partition, rows } = item as PartitionRows;
    return isPartition(partition) && Array.isArray(rows);
  } catch {
    return false;
  }
}

function asStorageError(error: unknown, op: string): StorageError {
  if (isStorageError(error)) return error;
  return new StorageError({
    code: "invalid_argument",
    op,
    message: `${op}: the caller's own code failed: ${error instanceof Error ? error.message : String(error)}.`,
    cause: error,
  });
}

function invalid(problem: string, path: string | undefined): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "replacePartitions",
    path,
    message: `replacePartitions: ${problem}.`,
  });
}
