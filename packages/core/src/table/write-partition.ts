import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { abortedError } from "../bytes/abort.ts";
import { invalid } from "../bytes/check-arguments.ts";
import type { Key } from "../bytes/key.ts";
import type { Row } from "../bytes/row.ts";
import type { OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import type { Partition } from "../hive/partition.ts";
import { checkSchema } from "../parquet/check-schema.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";
import { inferColumns } from "../parquet/infer-columns.ts";
import { encodeParquet } from "../parquet/write-parquet.ts";
import { type CommitOptions, commitDraft, type DraftFile } from "./commit-draft.ts";
import type { EntityMemory, ShapedWrite } from "./entity-memory.ts";
import { findPartitionPrefix } from "./find-partition-prefix.ts";

/** How often `onConflict: "retry"` writes before it gives up. */
export const MAX_WRITE_ATTEMPTS = 100;
/** The longest pause between two attempts, in milliseconds. */
const MAX_PAUSE_MS = 500;

/** Options of `write`. */
export interface WriteOptions extends OperationOptions {
  /** `true` (default) replaces exactly this partition; `false` adds a file to it. */
  readonly overwrite?: boolean | undefined;
  /**
   * The columns and their types. Default: found by looking at every row, and fitted to the entity's other partitions: the
   * same columns with the same types, then the new ones.
   */
  readonly schema?: readonly ColumnSchema[] | undefined;
  /**
   * `throw` (default): where another writer commits first, `conflict`. `retry`: the write is done anew on what that writer
   * left, at most {@link MAX_WRITE_ATTEMPTS} times: in its place, or with `overwrite: false` added to it.
   */
  readonly onConflict?: "throw" | "retry" | undefined;
  /**
   * `true` lets a new partition have other keys than the entity's first one. Default false: that is refused, since the
   * entity would be no table any more.
   */
  readonly allowOtherKeys?: boolean | undefined;
  /**
   * `true` lets a column have another type than in the entity's other partitions, such as text where these hold numbers.
   * Default false: that is refused, since plain readers take the types of all files from one of them.
   */
  readonly allowOtherTypes?: boolean | undefined;
  /**
   * Told where a file that no longer counts could not be deleted. The write is not affected: nobody reads such a file, and
   * the next write or `repair` removes it. Default: nobody is told.
   */
  readonly onLeftover?: ((error: StorageError) => void) | undefined;
}

/**
 * Writes rows to one partition (docs/decisions/0003). Whoever reads meanwhile sees all old rows or all new rows.
 *
 * @returns how many rows were written.
 * @throws StorageError `conflict` where another writer committed first: nothing of this write remains.
 */
export async function writePartition(
  backend: StorageBackend,
  entity: Key,
  rows: readonly Row[],
  partition: Partition,
  options: WriteOptions,
  entities: EntityMemory,
): Promise<number> {
  const own = withoutPartitionColumns(rows, partition);
  const { overwrite = true, onLeftover, signal } = options;
  const { write, columns } = await shapeWrite(
    backend,
    entity,
    own,
    partition,
    { ...options, overwrite },
    entities,
  );
  try {
    const data = own.length === 0 ? undefined : encodeData(own, columns, write);
    const draft = { entity, partition, prefix: write.prefix, columns, data };
    const onNew = async (): Promise<void> => {
      if (options.allowOtherKeys !== true) await entities.checkKeys(write);
    };
    await commit(backend, draft, { overwrite, onNew, onLeftover, signal }, options.onConflict);
  } catch (error) {
    entities.forget(write);
    throw error;
  }
  return rows.length;
}

/** Commits a draft in one attempt, or in as many as it takes. */
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

/** Where a write goes, and which columns it has: pinned, or found in its rows and fitted to the entity's. */
async function shapeWrite(
  backend: StorageBackend,
  entity: Key,
  rows: readonly Row[],
  partition: Partition,
  { schema, overwrite, allowOtherTypes = false, signal }: WriteOptions & { readonly overwrite: boolean },
  entities: EntityMemory,
): Promise<{ readonly write: ShapedWrite; readonly columns: readonly ColumnSchema[] }> {
  const found = schema === undefined ? inferColumns(rows) : checkSchema(schema, rows, "write");
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

function encodeData(
  rows: readonly Row[],
  columns: readonly ColumnSchema[],
  { prefix }: ShapedWrite,
): DraftFile["data"] {
  if (columns.length === 0)
    throw invalid(
      "write",
      `the rows of ${prefix} have no column besides the partition's, so no file can say how many there are. Give them a column, or the columns by the option schema`,
    );
  const body = encodeParquet(rows, columns);
  const sha256 = createHash("sha256").update(body).digest("hex");
  return { body, sizeBytes: body.byteLength, rows: rows.length, sha256 };
}

/** Random, so that writers that met once do not meet again. */
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

/** Rows without the partition's columns: the path says them. A row that says otherwise would silently change. */
function withoutPartitionColumns(rows: readonly Row[], partition: Partition): readonly Row[] {
  const { entries } = partition;
  return rows.map((row, i) => {
    if (!entries.some(([key]) => key in row)) return row;
    const rest = { ...row };
    for (const [key, value] of entries) {
      const given = rest[key];
      if (given !== undefined && given !== null && String(given) !== value) {
        throw new StorageError({
          code: "invalid_argument",
          op: "write",
          path: partition.path(),
          message: `write: row ${i} has ${key} = ${JSON.stringify(String(given))}, the partition ${partition.path()} says ${JSON.stringify(value)}. Write it to its own partition.`,
        });
      }
      delete rest[key];
    }
    return rest;
  });
}
