import {
  isStorageError,
  type Key,
  type PartitionEntry,
  type StorageError,
  type StorageErrorCode,
} from "@parquetry/core";
import { mapConcurrent } from "@parquetry/core/unstable";
import { type PartitionFolder, walkPartitions } from "@parquetry/core/unstable/tables";
import type { DuckDb } from "../duckdb/duckdb.ts";
import type { FileColumn, FileGroup, QueryColumn } from "../duckdb/views/scan-table.ts";
import { FETCH_CONCURRENCY, type FileSource, type StoredFile } from "../files/file-source.ts";
import { foldName } from "../statement/fold-name.ts";
import { type ColumnNames, columnNames, nameColumns } from "./column-names.ts";
import { type DeclaredTypes, inferKeyTypes } from "./key-types.ts";
import type { ListingMemory } from "./listing-memory.ts";
import { reconcileColumns } from "./reconcile-columns.ts";
import { isReplaced, storedFiles } from "./stored-files.ts";

/** Errors of a single file or manifest, which say nothing about the others. */
export const OF_ONE_FILE: ReadonlySet<StorageErrorCode> = new Set([
  "corrupt",
  "invalid_argument",
  "not_found",
  "not_supported",
  "permission_denied",
  "precondition_failed",
]);
/** The most files that are tried from each end of a table. */
export const MAX_DAMAGED = 32;

/** The facts about an entity that are known before any query, and do not depend on what a query prunes. */
export interface TableFacts {
  readonly entity: Key;
  /** Its partition keys and their types, outermost first. */
  readonly keys: readonly QueryColumn[];
  /** The columns of its reference files, which are one in the first and one in the last partition. */
  readonly columns: readonly FileColumn[];
  /** How SQL calls the columns of its files. */
  readonly names: ColumnNames;
}

/** The types that the caller has declared for an entity. */
export interface DeclaredTable {
  readonly hiveTypes: DeclaredTypes;
  readonly columnTypes: DeclaredTypes;
}

export interface TableReader {
  readonly duckdb: DuckDb;
  readonly source: FileSource;
  readonly listing: ListingMemory;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the first and the last partition of an entity. If these contain no file that can be read, all partitions are listed, and
 * the first and the last file that can be read are taken.
 *
 * @throws StorageError the error of a file, where no file can be read.
 */
export async function readTableFacts(
  entity: Key,
  declared: DeclaredTable,
  reader: TableReader,
): Promise<TableFacts> {
  const { listing, signal } = reader;
  const unreadable: StorageError[] = [];
  const onUnreadable = (error: StorageError): void => void unreadable.push(error);
  const seen: (readonly PartitionEntry[])[] = [];
  const chains = await walkPartitions(listing, entity, {
    signal,
    onUnreadable,
    prune: (level) => {
      for (const candidate of level) seen.push(candidate.entries);
      return level.map((_, i) => i === 0 || i === level.length - 1);
    },
  });
  const keys = inferKeyTypes(chains.keys, seen, declared.hiveTypes);
  if (!isRagged(chains.folders, chains.keys)) listing.knowLeaves(entity, keys.length);

  let references = await referenceGroups(chains.folders, declared, reader);
  if (references.groups.length === 0) {
    const all = await walkPartitions(listing, entity, { signal, onUnreadable });
    references = await referenceGroups(all.folders, declared, reader);
  }
  const [problem] = [...references.problems, ...unreadable];
  if (references.groups.length === 0 && problem !== undefined) throw problem;
  const names = columnNames(
    keys,
    references.groups.flatMap((group) => group.columns),
  );
  const groups = nameColumns(references.groups, names.inSql);
  return { entity, keys, names, columns: await referenceColumns(reader, entity, groups, declared) };
}

/** Files that were read for their columns. */
interface References {
  /** The last and the first file that can be read. */
  readonly groups: readonly FileGroup[];
  /** The errors of files that cannot be read. */
  readonly problems: readonly StorageError[];
}

async function referenceGroups(
  folders: readonly PartitionFolder[],
  declared: DeclaredTable,
  { duckdb, source, signal }: TableReader,
): Promise<References> {
  const problems: StorageError[] = [];
  const unlessDamaged = async <T>(run: () => Promise<readonly T[]>): Promise<readonly T[] | undefined> => {
    try {
      return await run();
    } catch (error) {
      if (!isStorageError(error) || !OF_ONE_FILE.has(error.code)) throw error;
      // It is looked for again first: the file may have been replaced.
      if (isReplaced(error) && !source.isPinning) throw error;
      problems.push(error);
      return undefined;
    }
  };
  const fetch = {
    count: { fetchedFiles: 0, fetchedBytes: 0 },
    columnTypes: declared.columnTypes,
    // The footer of a large file is enough.
    parts: { mentions: () => false, intervalsOf: () => undefined },
  };
  const groupsOf = async (files: readonly StoredFile[]): Promise<readonly FileGroup[]> =>
    duckdb.groupFiles(await source.fetch(files, { ...fetch, signal }), { signal });
  const firstReadable = async (files: readonly StoredFile[]): Promise<readonly FileGroup[]> => {
    for (const file of files.slice(0, MAX_DAMAGED)) {
      const groups = await unlessDamaged(() => groupsOf([file]));
      if (groups !== undefined) return groups;
    }
    return [];
  };
  const listed =
    (await unlessDamaged(() => storedFiles(folders, source, { signal, fetch }))) ??
    (
      await mapConcurrent(folders, FETCH_CONCURRENCY, async (folder) =>
        unlessDamaged(() => storedFiles([folder], source, { signal, fetch })),
      )
    ).flatMap((files) => files ?? []);
  const ends = [listed.at(-1), listed.at(0)].filter((file) => file !== undefined);
  const groups = (await unlessDamaged(() => groupsOf([...new Set(ends)]))) ?? [
    ...(await firstReadable(listed.toReversed())),
    ...(await firstReadable(listed)),
  ];
  return { groups, problems };
}

/** The last partition's columns, then those that only the first one has. Where their types differ, the last partition wins. */
async function referenceColumns(
  { duckdb, signal }: TableReader,
  entity: string,
  groups: readonly FileGroup[],
  declared: DeclaredTable,
): Promise<readonly FileColumn[]> {
  const columns = new Map<string, FileColumn>();
  for (const group of groups) {
    const { columns: own } = await reconcileColumns(duckdb, {
      entity,
      groups: [group],
      reference: [],
      declared: declared.columnTypes,
      mentions: () => true,
      signal,
    });
    for (const column of own) {
      const folded = foldName(column.name);
      if (!columns.has(folded)) columns.set(folded, column);
    }
  }
  return [...columns.values()];
}

function isRagged(folders: readonly PartitionFolder[], keys: readonly string[]): boolean {
  return folders.some(({ partition }) => partition.entries.length !== keys.length);
}
