import type { Key } from "../bytes/key.ts";
import type { Row } from "../bytes/row.ts";
import type { StorageBackend } from "../bytes/storage-backend.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { unknownEntity } from "./entities.ts";
import { openAhead } from "./open-ahead.ts";
import { isUnreadable, type OpenFile, type OpenPartitionOptions, openPartition } from "./open-partition.ts";
import { canMatch, checkKeyNames, matches, type ParsedFilters } from "./partition-filter.ts";
import { type PartitionFolder, type PartitionTree, walkPartitions } from "./partition-tree.ts";
import { rowParser } from "./row-parser.ts";
import type { RowSchema } from "./row-schema.ts";

/** Options of `readIndex` and `scan`. */
export interface ScanOptions<T = Row> extends OpenPartitionOptions {
  /**
   * Reads only these columns of the files, in this order. Partition columns are always included, last where they are not
   * named here. Default: all.
   */
  readonly columns?: readonly string[] | undefined;
  /**
   * The types of partition columns. `"integer"`: a number where exact, else bigint, as SQL has keys whose values are all whole
   * numbers. Default: `"string"`, the text of the folder's name.
   */
  readonly keyTypes?: Readonly<Record<string, "string" | "integer">> | undefined;
  /**
   * A schema that parses every row: of zod, Valibot, ArkType or any other library with Standard Schema. Partition columns are
   * strings unless `keyTypes` says otherwise. The rows, and their type, are then its output. Default: rows as they are.
   */
  readonly rowSchema?: RowSchema<T> | undefined;
}

/**
 * Yields the rows of an entity's matching partitions in batches, partitions in path order, files in name order, rows in file
 * order. Holds the partitions that are opened ahead ({@link openAhead}) and one row group. Partition columns come last in every row, as strings (see `keyTypes`), and override columns of the same name in the files.
 *
 * @throws StorageError `not_found` for an unknown entity, `invalid_argument` for an unknown key, each naming the known ones, or
 * for a value that is not of its `keyTypes`; `corrupt` that names a file which cannot be read.
 */
export async function* scanPartitions<T = Row>(
  backend: StorageBackend,
  entity: Key,
  filters: ParsedFilters,
  options: ScanOptions<T> = {},
): AsyncGenerator<T[]> {
  const tree = await matchingPartitions(backend, entity, filters, options);
  const opened = openAhead(tree.folders, (folder) => openPartition(backend, folder, options));
  const missing = new Set(options.columns);
  let opens = 0;
  for await (const { folder, files } of opened) {
    const partitionColumns = typedKeys(folder, options.keyTypes);
    for (const name of Object.keys(partitionColumns)) missing.delete(name);
    for (const file of files) {
      opens++;
      for (const name of file.columns) missing.delete(name);
      const columns =
        options.columns ?? file.columns.filter((name) => !Object.hasOwn(partitionColumns, name));
      const { rowSchema } = options;
      // Without a schema T is Row, the default of every caller's type parameter.
      const parse = rowSchema === undefined ? (rows: Row[]) => rows as T[] : rowParser(rowSchema, file.name);
      const batches =
        options.onUnreadable === "skip"
          ? await wholeFile(file, columns, partitionColumns, options)
          : file.scan(columns, partitionColumns);
      for await (const rows of batches) yield await parse(rows);
    }
  }
  const [unknown] = missing;
  if (unknown !== undefined && opens > 0) throw unknownColumn(entity, unknown);
}

const INTEGER = /^(?:0|-?[1-9]\d*)$/;

/** The partition columns of a folder, of the types that the caller asks for. */
function typedKeys(
  { partition, prefix }: PartitionFolder,
  types: NonNullable<ScanOptions["keyTypes"]> = {},
): Row {
  return Object.fromEntries(
    partition.entries.map(([key, value]) => {
      if (value === null || !Object.hasOwn(types, key) || types[key] !== "integer") return [key, value];
      // `01` would become the same number as `1`.
      if (!INTEGER.test(value)) throw notInteger(prefix, key, value);
      const number = Number(value);
      return [key, Number.isSafeInteger(number) ? number : BigInt(value)];
    }),
  );
}

function notInteger(prefix: Key, key: string, value: string): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "readIndex",
    path: prefix,
    message: `readIndex: ${prefix} has ${key} = ${JSON.stringify(value)}, which is not a whole number that a number gives back unchanged. Remove ${key} from keyTypes, or exclude the partition by a filter.`,
  });
}

/** Returns the error of a column that no file has, which is a misspelt name; one that only some files lack is null there. */
function unknownColumn(entity: Key, name: string): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "readIndex",
    path: entity,
    message: `readIndex: none of the files of ${entity} that were read has a column ${JSON.stringify(name)}. Check the name, or omit columns to see which there are.`,
  });
}

/** Reads a whole file before any of its rows is returned: if a part of it is unreadable, all of it is skipped. */
async function wholeFile(
  file: OpenFile,
  columns: readonly string[],
  partitionColumns: Row,
  { onSkippedFile }: OpenPartitionOptions,
): Promise<readonly Row[][]> {
  const batches: Row[][] = [];
  try {
    for await (const rows of file.scan(columns, partitionColumns)) batches.push(rows);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    onSkippedFile?.(error);
    return [];
  }
  return batches;
}

/** Finds the folders that match, and lists only those that can. */
async function matchingPartitions(
  backend: StorageBackend,
  entity: Key,
  filters: ParsedFilters,
  { keyTypes = {}, signal }: Pick<ScanOptions, "keyTypes" | "signal">,
): Promise<PartitionTree> {
  const tree = await walkPartitions(backend, entity, {
    signal,
    ...(filters.size === 0
      ? {}
      : {
          prune: (level) => level.map((candidate) => canMatch(filters, candidate)),
          pruneKeys: new Set(filters.keys()),
        }),
  });
  if (tree.folders.length === 0 && tree.keys.length === 0)
    throw await unknownEntity(backend, entity, "readIndex", tree.strays);
  const named = [...filters.keys(), ...Object.keys(keyTypes)];
  await checkKeys(backend, entity, named, tree.keys, signal);
  return { ...tree, folders: tree.folders.filter(({ partition }) => matches(filters, partition)) };
}

/** Refuses unknown keys. Some keys may be below folders that were pruned: first one chain of folders is searched, then all are. */
async function checkKeys(
  backend: StorageBackend,
  entity: Key,
  named: readonly string[],
  found: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const isComplete = (known: readonly string[]): boolean => named.every((key) => known.includes(key));
  if (isComplete(found)) return;
  const chain = await walkPartitions(backend, entity, {
    signal,
    prune: (level) => level.map((_, i) => i === 0),
  });
  if (isComplete([...found, ...chain.keys])) return;
  const { keys } = await walkPartitions(backend, entity, { signal });
  checkKeyNames(named, keys, entity);
}
