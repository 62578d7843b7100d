import { throwIfAborted } from "../bytes/abort.ts";
import { invalid } from "../bytes/check-arguments.ts";
import { checkNames } from "../bytes/check-names.ts";
import { mapConcurrent } from "../bytes/concurrency/map-concurrent.ts";
import type { Key } from "../bytes/key.ts";
import type { Row } from "../bytes/row.ts";
import type { StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError } from "../bytes/storage-error.ts";
import type { Partition } from "../hive/partition.ts";
import { checkRowsFit, checkSchema } from "../parquet/check-schema.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";
import { inferColumns } from "../parquet/infer-columns.ts";
import type { EntityMemory, ShapedWrite } from "./entity-memory.ts";
import { findPartitionPrefix, type Spellings } from "./find-partition-prefix.ts";
import { groupRows, type RowsOfPartition } from "./group-rows.ts";
import { PartialWriteError, type PartitionFailure, type ReplaceProgress } from "./replace-partitions.ts";
import { storeRows, type WriteOptions } from "./write-partition.ts";

/** The default number of partitions that `writePartitions` encodes and writes concurrently. */
export const DEFAULT_WRITE_CONCURRENCY = 32;

/** Options of `writePartitions`. */
export interface WritePartitionsOptions extends WriteOptions {
  /** The columns whose values name the partition of a row, outermost first. They are stored in the path only. */
  readonly by: readonly string[];
  /** How many partitions are encoded and written concurrently: their files are in memory. Default 32. */
  readonly concurrency?: number | undefined;
  /** Called after each commit. */
  readonly onProgress?: ((progress: ReplaceProgress) => void) | undefined;
}

/** A partition that was written. */
export interface WrittenPartition {
  /** The partition. */
  readonly partition: Partition;
  /** Its number of rows in this write. */
  readonly rows: number;
}

/** The result of `writePartitions`. */
export interface WritePartitionsResult {
  /** The partitions that were written, in the order in which they first appear among the rows. */
  readonly partitions: readonly WrittenPartition[];
  /** Their number of rows. */
  readonly rows: number;
}

/**
 * Writes rows to the partitions that the columns `by` name, concurrently, one atomic commit each. The columns of all rows are
 * inferred together, so the files of one call have the same columns with the same types. After the first failure no other
 * partition is begun.
 *
 * @throws PartialWriteError a StorageError that lists which partitions were written, which failed and which were not begun.
 */
export async function writePartitions(
  backend: StorageBackend,
  entity: Key,
  rows: readonly Row[],
  options: WritePartitionsOptions,
  entities: EntityMemory,
): Promise<WritePartitionsResult> {
  const { by, concurrency = DEFAULT_WRITE_CONCURRENCY, overwrite = true, onProgress, signal } = options;
  if (by.length === 0)
    throw invalid("writePartitions", 'by must name one column or more, such as ["year", "week"]');
  checkNames(by, "writePartitions");
  const groups = await groupRows(rows, by, "writePartitions");
  const [first] = groups;
  if (first === undefined) return { partitions: [], rows: 0 };
  const spellings: Spellings = new Map();
  const shape = async ({ partition }: RowsOfPartition): Promise<ShapedWrite> => ({
    entity,
    partition,
    prefix: await findPartitionPrefix(backend, entity, partition, signal, spellings),
    overwrite,
    signal,
  });
  const write = await shape(first);
  const columns = await columnsOf(rows, options, entities, write, backend.name);

  const committed: Partition[] = [];
  const failed: PartitionFailure[] = [];
  const written = new Map<RowsOfPartition, WrittenPartition>();
  const begun = new Set<RowsOfPartition>();
  let total = 0;
  function* untilFailure(): Generator<RowsOfPartition> {
    for (const group of groups) {
      if (failed.length > 0) return;
      begun.add(group);
      yield group;
    }
  }
  const failure = (error: unknown): PartialWriteError => {
    const untried = groups.filter((group) => !begun.has(group)).map(({ partition }) => partition);
    entities.forget(write);
    return new PartialWriteError("writePartitions", error, { entity, committed, failed, untried });
  };
  try {
    await mapConcurrent(untilFailure(), concurrency, async (group) => {
      const { partition } = group;
      try {
        await storeRows(backend, await shape(group), group.rows, columns, options, entities);
      } catch (error) {
        if (!isStorageError(error)) throw error;
        failed.push({ partition, error });
        return;
      }
      total += group.rows.length;
      committed.push(partition);
      written.set(group, { partition, rows: group.rows.length });
      onProgress?.({ partition, partitions: committed.length, rows: total });
    });
  } catch (error) {
    throw failure(error);
  }
  const [firstFailure] = failed;
  if (firstFailure !== undefined) throw failure(firstFailure.error);
  return { partitions: groups.flatMap((group) => written.get(group) ?? []), rows: total };
}

/** Returns the columns that the files get: those of the schema, or those of all rows, fitted to the entity's. */
async function columnsOf(
  rows: readonly Row[],
  { by, schema, allowOtherTypes = false, signal }: WritePartitionsOptions,
  entities: EntityMemory,
  write: ShapedWrite,
  backendName: string,
): Promise<readonly ColumnSchema[]> {
  const keys = new Set(by);
  const given = {
    except: keys,
    checkpoint: (): void => throwIfAborted(signal, "writePartitions", write.entity, backendName),
  };
  const declared = schema && checkSchema(schema, "writePartitions");
  if (declared !== undefined) await checkRowsFit(declared, rows, "writePartitions", given);
  const all = declared ?? (await inferColumns(rows, given));
  const found = all.filter(({ name }) => !keys.has(name));
  // A column that differs from a key only in case would be hidden by it in SQL.
  checkNames([...by, ...found.map(({ name }) => name)], "writePartitions");
  if (schema !== undefined) return found;
  const turn = entities.takeTurn(write.entity);
  try {
    await turn.ready;
    return await entities.fitColumns(write, found, allowOtherTypes);
  } finally {
    turn.leave();
  }
}
