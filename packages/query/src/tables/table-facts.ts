import type { Key, PartitionEntry } from "@parquetry/core";
import { type PartitionFolder, walkPartitions } from "@parquetry/core/unstable/tables";
import type { DuckDb } from "../duckdb/duckdb.ts";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import type { FileSource } from "../files/file-source.ts";
import { type DeclaredTypes, inferKeyTypes } from "./key-types.ts";
import type { ListingMemory } from "./listing-memory.ts";
import { reconcileColumns } from "./reconcile-columns.ts";
import { storedFiles } from "./stored-files.ts";

/** The facts about an entity that are known before any query, and do not depend on what a query prunes. */
export interface TableFacts {
  readonly entity: Key;
  /** Its partition keys and their types, outermost first. */
  readonly keys: readonly QueryColumn[];
  /** The columns of its reference files, which are one in the first and one in the last partition. */
  readonly columns: readonly QueryColumn[];
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
 * Reads the first and the last partition of an entity. If these contain no file, all partitions are listed, and the first and the
 * last file are taken.
 */
export async function readTableFacts(
  entity: Key,
  declared: DeclaredTable,
  reader: TableReader,
): Promise<TableFacts> {
  const { duckdb, source, listing, signal } = reader;
  const seen: (readonly PartitionEntry[])[] = [];
  const chains = await walkPartitions(listing, entity, {
    signal,
    prune: (level) => {
      for (const candidate of level) seen.push(candidate.entries);
      return level.map((_, i) => i === 0 || i === level.length - 1);
    },
  });
  const keys = inferKeyTypes(chains.keys, seen, declared.hiveTypes);
  if (!isRagged(chains.folders, chains.keys)) listing.knowLeaves(entity, keys.length);

  let files = await storedFiles(chains.folders, source, signal);
  if (files.length === 0) {
    const all = await walkPartitions(listing, entity, { signal });
    files = await storedFiles(all.folders, source, signal);
  }
  const references = [files.at(-1), files.at(0)].filter((file) => file !== undefined);
  const local = await source.fetch([...new Set(references)], {
    signal,
    count: { fetchedFiles: 0, fetchedBytes: 0 },
    textColumns: Object.keys(declared.columnTypes),
    // The footer of a large file is enough.
    parts: { mentions: () => false, intervals: new Map() },
  });
  const columns = await referenceColumns(duckdb, entity, await duckdb.groupFiles(local), keys, declared);
  return { entity, keys, columns };
}

/** The last partition's columns, then those that only the first one has. Where their types differ, the last partition wins. */
async function referenceColumns(
  duckdb: DuckDb,
  entity: string,
  groups: Awaited<ReturnType<DuckDb["groupFiles"]>>,
  keys: readonly QueryColumn[],
  declared: DeclaredTable,
): Promise<readonly QueryColumn[]> {
  const columns = new Map<string, QueryColumn>();
  for (const group of groups) {
    const { columns: own } = await reconcileColumns(duckdb, {
      entity,
      groups: [group],
      reference: [],
      declared: declared.columnTypes,
      keys,
      mentions: () => true,
    });
    for (const column of own) {
      const folded = column.name.toLowerCase();
      if (!columns.has(folded)) columns.set(folded, column);
    }
  }
  return [...columns.values()];
}

function isRagged(folders: readonly PartitionFolder[], keys: readonly string[]): boolean {
  return folders.some(({ partition }) => partition.entries.length !== keys.length);
}
