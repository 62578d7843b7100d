import { sleep } from "#platform";
import { abortedError, throwIfAborted } from "../bytes/abort.ts";
import { invalid } from "../bytes/check-arguments.ts";
import { forEachYielding } from "../bytes/concurrency/yield-if-due.ts";
import type { Key } from "../bytes/key.ts";
import { ownValue, type Row } from "../bytes/row.ts";
import type { OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import type { Partition } from "../hive/partition.ts";
import { checkRowsFit, checkSchema } from "../parquet/check-schema.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";
import { inferColumns } from "../parquet/infer-columns.ts";
import { type ColumnTable, type ColumnValues, isColumnTable, rowCountOf } from "../parquet/table-rows.ts";
import { encodeParquetFile } from "../parquet/write-parquet.ts";
import { type CommitOptions, commitDraft, type DraftFile } from "./commit-draft.ts";
import type { EntityMemory, ShapedWrite } from "./entity-memory.ts";
import { findPartitionPrefix } from "./find-partition-prefix.ts";

/** How often `onConflict: "retry"` tries to write. */
export const MAX_WRITE_ATTEMPTS = 100;
/** The longest pause between two attempts, in milliseconds. */
const MAX_PAUSE_MS = 500;

/** Options of `write`. */
export interface WriteOptions extends OperationOptions {
  /** `true` (default) replaces exactly this partition; `false` adds a file to it. */
  readonly overwrite?: boolean | undefined;
  /**
   * The columns and their types. Default: inferred from every row, and fitted to the entity's other partitions: the same
   * columns with the same types, then the new ones.
   */
  readonly schema?: readonly ColumnSchema[] | undefined;
  /**
   * `throw` (default): the write fails with `conflict` if another writer commits first. `retry`: it is then repeated on the
   * new state, at most {@link MAX_WRITE_ATTEMPTS} times: it replaces that writer's rows, or with `overwrite: false` is added.
   */
  readonly onConflict?: "throw" | "retry" | undefined;
  /**
   * `true` lets a new partition have other keys than the entity's first one. Default false: the write is refused, since the
   * entity would no longer be a table.
   */
  readonly allowOtherKeys?: boolean | undefined;
  /**
   * `true` lets a column have another type than in the entity's other partitions, such as strings where these hold numbers.
   * Default false: the write is refused, since plain readers take the types of all files from one of them.
   */
  readonly allowOtherTypes?: boolean | undefined;
  /**
   * Called with the error if a replaced file could not be deleted. The write is not affected: no read returns the rows of
   * such a file, and the next write or `repair` removes it.
   */
  readonly onLeftover?: ((error: StorageError) => void) | undefined;
}

/**
 * Writes rows to one partition (docs/decisions/0003). A concurrent reader sees all old rows or all new rows.
 *
 * @returns the number of rows written.
 * @throws StorageError `conflict` if another writer committed first: nothing of this write remains.
 */
export async function writePartition(
  backend: StorageBackend,
  entity: Key,
  table: readonly Row[] | ColumnTable,
  partition: Partition,
  options: WriteOptions,
  entities: EntityMemory,
): Promise<number> {
  const { overwrite = true, signal } = options;
  const checkpoint = (): void => throwIfAborted(signal, "write", entity, backend.name);
  await checkPartitionColumns(table, partition, checkpoint);
  const { write, columns } = await shapeWrite(
    backend,
    entity,
    table,
    partition,
    { ...options, overwrite, checkpoint },
    entities,
  );
  await storeRows(backend, write, table, columns, options, entities);
  return rowCountOf(table);
}

/** Encodes and commits the rows of a write whose folder and columns are known. Other columns of the rows are not stored. */
export async function storeRows(
  backend: StorageBackend,
  write: ShapedWrite,
  table: readonly Row[] | ColumnTable,
  columns: readonly ColumnSchema[],
  { allowOtherKeys, onConflict, onLeftover, signal }: WriteOptions,
  entities: EntityMemory,
): Promise<void> {
  const { entity, partition, prefix, overwrite } = write;
  try {
    const checkpoint = (): void => throwIfAborted(signal, "write", entity, backend.name);
    const data = rowCountOf(table) === 0 ? undefined : await encodeData(table, columns, write, checkpoint);
    const draft = { entity, partition, prefix, columns, data };
    const onNew = async (): Promise<void> => {
      if (allowOtherKeys !== true) await entities.checkKeys(write);
    };
    await commit(backend, draft, { overwrite, onNew, onLeftover, signal }, onConflict);
  } catch (error) {
    entities.forget(write);
    throw error;
  }
}

/** Commits a draft, with `onConflict: "retry"` in several attempts. */
async function commit(
  backend: StorageBackend,
  draft: DraftFile,
  options: CommitOptions,
  onConflict: WriteOptions["onConflict"],
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await commitDraft(backend, draft, options);
      return;
    } catch (error) {
      const again = onConflict === "retry" && attempt < MAX_WRITE_ATTEMPTS;
      if (!again || !isStorageError(error, "conflict")) throw error;
    }
    await pause(attempt, draft.prefix, backend, options.signal);
  }
}

interface ShapeOptions extends WriteOptions {
  readonly overwrite: boolean;
  readonly checkpoint: () => void;
}

/** Returns the folder of a write and its columns: those of the schema, or those inferred and fitted to the entity's. */
async function shapeWrite(
  backend: StorageBackend,
  entity: Key,
  table: readonly Row[] | ColumnTable,
  partition: Partition,
  { schema, overwrite, allowOtherTypes = false, signal, checkpoint }: ShapeOptions,
  entities: EntityMemory,
): Promise<{ readonly write: ShapedWrite; readonly columns: readonly ColumnSchema[] }> {
  const except = new Set(partition.entries.map(([key]) => key));
  const declared = schema && checkSchema(schema, "write").filter(({ name }) => !except.has(name));
  if (declared !== undefined) await checkRowsFit(declared, table, "write", { except, checkpoint });
  const found = declared ?? (await inferColumns(table, { except, checkpoint }));
  const turn = entities.takeTurn(entity);
  try {
    const prefix = await findPartitionPrefix(backend, entity, partition, signal);
    const write = { entity, partition, prefix, overwrite, signal };
    if (schema !== undefined) return { write, columns: found };
    await turn.ready;
    return { write, columns: await entities.fitColumns(write, found, allowOtherTypes) };
  } finally {
    turn.leave();
  }
}

async function encodeData(
  table: readonly Row[] | ColumnTable,
  columns: readonly ColumnSchema[],
  { prefix }: ShapedWrite,
  checkpoint: () => void,
): Promise<DraftFile["data"]> {
  if (columns.length === 0)
    throw invalid(
      "write",
      `the rows of ${prefix} have no column besides the partition's, so no file could hold their number. Add a column, or pass the columns by the option schema`,
    );
  return {
    ...(await encodeParquetFile(table, storedColumns(columns), { checkpoint })),
    rows: rowCountOf(table),
  };
}

/**
 * Returns the columns that the file gets. A column without a value in any partition so far has no type, and whatever type the
 * file gave it, Spark and pyarrow could not read the partition that gives it another. A file needs a column, so one stays.
 */
function storedColumns(columns: readonly ColumnSchema[]): readonly ColumnSchema[] {
  const typed = columns.filter(({ type }) => type !== "null");
  return typed.length > 0 ? typed : columns.slice(0, 1);
}

/** Waits for a random time, so that writers that collided once do not collide again. */
async function pause(
  attempt: number,
  prefix: Key,
  backend: StorageBackend,
  signal: AbortSignal | undefined,
): Promise<void> {
  const longest = Math.min(MAX_PAUSE_MS, 2 ** Math.min(attempt, 10));
  try {
    await sleep(Math.random() * longest, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted ? abortedError(signal, "write", prefix, backend.name) : error;
  }
}

/**
 * Checks the values of the partition's columns, which are stored in the path only. A row with another value would silently change.
 *
 * @throws StorageError `invalid_argument` that names the row.
 */
async function checkPartitionColumns(
  table: readonly Row[] | ColumnTable,
  partition: Partition,
  checkpoint: () => void,
): Promise<void> {
  const { entries } = partition;
  const check = (key: string, value: string | null, given: unknown, row: number): void => {
    if (given === undefined || given === null || String(given) === value) return;
    throw new StorageError({
      code: "invalid_argument",
      op: "write",
      path: partition.path(),
      message: `write: row ${row} has ${key} = ${JSON.stringify(String(given))}, but belongs to the partition ${partition.path()}. Write it to the partition of its value.`,
    });
  };
  for (const [key, value] of entries) {
    if (isColumnTable(table)) {
      const values = ownValue(table.columns, key) as ColumnValues | undefined;
      await forEachYielding<unknown>(values ?? [], (given, i) => check(key, value, given, i), checkpoint);
    } else await forEachYielding(table, (row, i) => check(key, value, ownValue(row, key), i), checkpoint);
  }
}
