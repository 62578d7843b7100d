import type { Key } from "../bytes/key.ts";
import type { OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError } from "../bytes/storage-error.ts";
import { Partition, parsePartitionSegment } from "../hive/partition.ts";
import { openByteSource } from "../parquet/byte-source.ts";
import type { KnownColumn } from "../parquet/fit-columns.ts";
import { openParquet } from "../parquet/open-parquet.ts";
import { dataFormat, MANIFEST_NAME, OLD_MANIFEST_NAME } from "./data-file.ts";
import { untypedColumns, withManifestColumns } from "./manifest.ts";
import { readPartitionState } from "./partition-state.ts";

/** The keys and columns that the partitions of an entity share. */
export interface EntityShape {
  /** Their keys, outermost first. */
  readonly keys: readonly string[];
  /** The columns of the first partition that has a Parquet file. */
  readonly columns: readonly KnownColumn[];
  /** The folder of that partition, or undefined if there is none. */
  readonly reference: Key | undefined;
}

/** How many partitions without a readable Parquet file are skipped in search of one. */
const MAX_SKIPPED = 16;

/**
 * Returns the shape of an entity: that of its first partition in key order, since plain readers (a glob in DuckDB, a dataset
 * in pyarrow) take the types of all files from it. Costs two listings and two reads, however many partitions there are.
 *
 * @param options `except` is a folder that is about to be replaced, so its columns are ignored.
 * @returns undefined if the entity has no partition.
 */
export async function findEntityShape(
  backend: StorageBackend,
  entity: Key,
  options: OperationOptions & { readonly except?: Key | undefined } = {},
): Promise<EntityShape | undefined> {
  let keys: readonly string[] | undefined;
  let skipped = 0;
  for await (const { prefix, partition } of partitionFolders(backend, entity, options.signal)) {
    keys ??= partition.keys;
    if (prefix === options.except) continue;
    const columns = await columnsOf(backend, prefix, partition, options.signal);
    if (columns !== undefined) return { keys, columns, reference: prefix };
    if (++skipped === MAX_SKIPPED) break;
  }
  return keys && { keys, columns: [], reference: undefined };
}

/** Yields the folders of an entity that hold data or a manifest, in the order of the listing. */
async function* partitionFolders(
  backend: StorageBackend,
  entity: Key,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ readonly prefix: Key; readonly partition: Partition }> {
  let last = "";
  for await (const { objects } of backend.list({ prefix: entity, signal })) {
    for (const { key } of objects) {
      const slash = key.lastIndexOf("/");
      const folder = key.slice(0, slash);
      const name = key.slice(slash + 1);
      if (
        folder === last ||
        (dataFormat(name) === undefined && name !== MANIFEST_NAME && name !== OLD_MANIFEST_NAME)
      )
        continue;
      const segments = folder === entity ? [] : folder.slice(entity.length + 1).split("/");
      const entries = segments.map(parsePartitionSegment);
      if (entries.some((entry) => entry === undefined)) continue;
      last = folder;
      // A prefix of a key that ends before a slash is a key.
      const prefix = folder as Key;
      yield { prefix, partition: Partition.of(entries.filter((entry) => entry !== undefined)) };
    }
  }
}

/** Returns the columns of a partition's first committed Parquet file. */
async function columnsOf(
  backend: StorageBackend,
  prefix: Key,
  partition: Partition,
  signal: AbortSignal | undefined,
): Promise<readonly KnownColumn[] | undefined> {
  try {
    const state = await readPartitionState(backend, prefix, partition, signal, "below too");
    const file = state.committed().find(({ format }) => format === "parquet");
    if (file === undefined) return undefined;
    const { fields } = await openParquet(
      await openByteSource(backend, file.info.key, { known: file.info, signal }),
    );
    const keys = new Set(partition.keys);
    const types = new Map(fields.map(({ name, columnType }) => [name, columnType]));
    const untyped = new Set(untypedColumns(state.manifest));
    return withManifestColumns([...types.keys()], state.manifest)
      .filter((name) => (types.has(name) || untyped.has(name)) && !keys.has(name))
      .map((name) => ({ name, type: types.has(name) ? types.get(name) : "null" }));
  } catch (error) {
    // A partition that cannot be read, or is being replaced, is skipped: the next one may be readable.
    const codes = ["corrupt", "not_found", "not_supported", "precondition_failed", "conflict"];
    if (isStorageError(error) && codes.includes(error.code)) return undefined;
    throw error;
  }
}
