import { type Key, type PartitionEntry, type PartitionFolder, walkPartitions } from "@parquetry/core";
import type { DuckDb, QueryColumn } from "../duckdb/duckdb.ts";
import type { FileSource } from "../files/file-source.ts";
import { type DeclaredTypes, inferKeyTypes } from "./key-types.ts";
import type { ListingMemory } from "./listing-memory.ts";
import { reconcileColumns } from "./reconcile-columns.ts";
import { storedFiles } from "./stored-files.ts";

/** What is known of an entity before any query: none of it depends on what a query prunes. */
export interface TableFacts {
  /** Its name. */
  readonly entity: Key;
  /** Its partition keys and their pinned types, outermost first. */
  readonly keys: readonly QueryColumn[];
  /** Its columns as the reference files have them: those of the first and of the last partition. */
  readonly columns: readonly QueryColumn[];
}

/** What the caller has declared of an entity. */
export interface DeclaredTable {
  /** Types of partition keys. */
  readonly hiveTypes: DeclaredTypes;
  /** Types of columns. */
  readonly columnTypes: DeclaredTypes;
}

/** What {@link readTableFacts} works with. */
export interface TableReader {
  readonly engine: DuckDb;
  readonly source: FileSource;
  readonly listing: ListingMemory;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks at the first and the last chain of folders of an entity. Where these hold no file, all folders are listed and the
 * first and the last with a file are taken.
 */
export async function readTableFacts(
  entity: Key,
  declared: DeclaredTable,
  reader: TableReader,
): Promise<TableFacts> {
  const { engine, source, listing, signal } = reader;
  const seen: (readonly PartitionEntry[])[] = [];
  const chains = await walkPartitions(listing.backend, entity, {
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
    const all = await walkPartitions(listing.backend, entity, { signal });
    files = await storedFiles(all.folders, source, signal);
  }
  const references = [files.at(-1), files.at(0)].filter((file) => file !== undefined);
  const local = await source.fetch([...new Set(references)], {
    signal,
    count: { fetchedFiles: 0, fetchedBytes: 0, cacheHits: 0 },
    textColumns: Object.keys(declared.columnTypes),
    // Of a large file the footer is enough.
    parts: { mentions: () => false, intervals: new Map() },
  });
  const columns = await referenceColumns(engine, entity, await engine.groupFiles(local), keys, declared);
  return { entity, keys, columns };
}

/** The last partition's columns first, then what only the first one has. Where their types differ, the last one's hold. */
async function referenceColumns(
  engine: DuckDb,
  entity: string,
  groups: Awaited<ReturnType<DuckDb["groupFiles"]>>,
  keys: readonly QueryColumn[],
  declared: DeclaredTable,
): Promise<readonly QueryColumn[]> {
  const columns = new Map<string, QueryColumn>();
  for (const group of groups) {
    const { columns: own } = await reconcileColumns(engine, {
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
