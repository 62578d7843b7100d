import type { Key } from "@parquetry/core";
import {
  type CandidateTable,
  type DuckDb,
  type FileGroup,
  mentionsColumn,
  type NumberInterval,
  type PreparedQuery,
  type PruneResult,
  type QueryColumn,
  type ScanFile,
  type ScanTable,
} from "../duckdb/duckdb.ts";
import type { FetchCount, FetchOptions, FileSource, StoredFile } from "../files/file-source.ts";
import type { NeededParts } from "../files/needed-bytes.ts";
import { isObjectUrl } from "../files/object-url.ts";
import type { ListingMemory } from "../tables/listing-memory.ts";
import { reconcileColumns } from "../tables/reconcile-columns.ts";
import { storedFiles } from "../tables/stored-files.ts";
import { suggestColumn } from "../tables/suggest-column.ts";
import type { DeclaredTable, TableFacts } from "../tables/table-facts.ts";
import { type ChosenPartitions, choosePartitions } from "./choose-partitions.ts";
import type { QueryProgress } from "./query-progress.ts";

/** How often partitions are chosen anew because the files that are read have other types than was thought. */
const MAX_ROUNDS = 3;
/** How many columns that the reference files lack a query may name. */
const MAX_MISSING_COLUMNS = 8;

/** A table of a query. */
export interface NamedTable {
  /** The names by which the query calls it. */
  readonly names: readonly string[];
  /** The entity that it is. */
  readonly facts: TableFacts;
  /** What the caller has declared of it. */
  readonly declared: DeclaredTable;
}

/** What {@link choose} and {@link planScans} work with. */
export interface PlanContext {
  readonly engine: DuckDb;
  readonly source: FileSource;
  readonly listing: ListingMemory;
  readonly query: PreparedQuery;
  readonly tables: readonly NamedTable[];
  /** Asks the engine about the query. */
  readonly prune: (tables: readonly CandidateTable[]) => Promise<PruneResult>;
  /** How long asking it took so far, in milliseconds. */
  readonly pruneMs: () => number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: QueryProgress) => void) | undefined;
}

/** What one table of a query reads. */
export interface TablePlan extends ChosenPartitions {
  readonly table: NamedTable;
  readonly files: readonly StoredFile[];
}

/** How partitions were chosen. */
export interface Choice {
  readonly tables: readonly TablePlan[];
  /** Why nothing was pruned, where the engine could not say. */
  readonly unpruned?: string | undefined;
  /** False where there are more partitions than were asked for. */
  readonly isWhole: boolean;
}

/** Chooses the partitions of every table, given what its columns are taken to be: of each the first `maxPartitions`. */
export async function choose(
  context: PlanContext,
  columns: ReadonlyMap<Key, readonly QueryColumn[]>,
  maxPartitions: number = Number.POSITIVE_INFINITY,
): Promise<Choice> {
  const { prune, query, listing, signal, source } = context;
  const plain = context.tables.map((table) => candidateTable(table, columns, query));
  const { tables: fitting, result: first } = await fitColumns(context, plain);
  if (first.outcome === "invalid")
    throw suggestColumn(
      first.error,
      first.column,
      context.tables.map(({ facts }) => facts),
    );
  const unused = first.outcome === "pruned" ? first.unused : new Set();
  let isWhole = true;
  const tables = await Promise.all(
    context.tables.map(async (table): Promise<TablePlan> => {
      const { entity } = table.facts;
      if (unused.has(entity)) return { table, folders: [], levels: [], files: [] };
      const filterKeys = first.outcome === "pruned" ? first.filterKeys.get(entity) : undefined;
      const { hiveTypes } = table.declared;
      const chosen = await choosePartitions(table.facts, {
        prune,
        listing,
        hiveTypes,
        signal,
        filterKeys: filterKeys ?? new Set(),
        tables: fitting,
      });
      const folders = chosen.folders.slice(0, maxPartitions);
      if (folders.length < chosen.folders.length) isWhole = false;
      const files = await storedFiles(folders, source, signal);
      return { table, levels: chosen.levels, folders, files };
    }),
  );
  return { tables, isWhole, unpruned: first.outcome === "unknown" ? first.reason : undefined };
}

/** The tables as they are scanned, their files on this machine, and how they were chosen. */
export interface ScanPlan {
  readonly scans: readonly ScanTable[];
  readonly choice: Choice;
}

/**
 * Chooses partitions, brings their files here and settles the columns' types. Partitions were chosen by the types of the
 * reference files; where those that are read turn out otherwise, they are chosen anew, so that in the end both agree.
 */
export async function planScans(
  context: PlanContext,
  count: FetchCount,
  maxPartitions: number,
): Promise<ScanPlan> {
  let columns = new Map<Key, readonly QueryColumn[]>(
    context.tables.map(({ facts }) => [facts.entity, facts.columns]),
  );
  for (let round = 1; ; round++) {
    const choice = await choose(context, columns, maxPartitions);
    const scans: ScanTable[] = [];
    const settled = new Map<Key, readonly QueryColumn[]>();
    const onFile = fetchProgress(context, choice);
    for (const { table, files } of choice.tables) {
      const scan = await scanTable(context, table, files, { count, onFile });
      scans.push(scan);
      settled.set(table.facts.entity, scan.columns);
    }
    const pruned = choice.tables.some(({ levels, folders }) => levels.length > 0 || folders.length === 0);
    const agree = context.tables.every(({ facts }) =>
      sameTypes(settled.get(facts.entity) ?? [], columns.get(facts.entity) ?? []),
    );
    if (agree || !pruned || round === MAX_ROUNDS) return { scans, choice };
    columns = merged(columns, settled);
  }
}

function fetchProgress({ onProgress }: PlanContext, { tables }: Choice): FetchOptions["onFile"] {
  if (onProgress === undefined) return undefined;
  const all = tables.flatMap(({ files }) => files);
  const totalBytes = all.reduce((sum, { file }) => sum + file.info.sizeBytes, 0);
  let files = 0;
  let bytes = 0;
  return ({ file }) => {
    files++;
    bytes += file.info.sizeBytes;
    onProgress({ phase: "fetching", files, totalFiles: all.length, bytes, totalBytes });
  };
}

async function scanTable(
  context: PlanContext,
  table: NamedTable,
  files: readonly StoredFile[],
  options: Pick<FetchOptions, "count" | "onFile">,
): Promise<ScanTable> {
  const { engine, source, signal, query } = context;
  const { facts, declared, names } = table;
  const textColumns = Object.keys(declared.columnTypes);
  const parts = neededParts(query, table);
  const local = await source.fetch(files, { ...options, signal, textColumns, parts });
  const { columns, groups } = await reconcileColumns(engine, {
    entity: facts.entity,
    groups: needsColumns(query, facts) ? await engine.groupFiles(local) : groupByKeys(local),
    reference: facts.columns,
    declared: declared.columnTypes,
    keys: facts.keys,
    mentions: (name) => mentionsColumn(query, name),
  });
  // A key that the query cannot need would only make the engine's paths longer.
  const keys = facts.keys.filter(({ name }) => mentionsColumn(query, name));
  return { names, columns, keys, groups };
}

/** What a query needs of the files of a table; undefined where that may be everything. */
export function neededParts(query: PreparedQuery, { names, declared }: NamedTable): NeededParts | undefined {
  const intervals = new Map<string, readonly NumberInterval[]>();
  const typed = new Set(Object.keys(declared.columnTypes).map((name) => name.toLowerCase()));
  for (const { table, columns, intervals: own } of query.conditions?.conditions ?? []) {
    const [column] = columns;
    if (own === undefined || column === undefined || typed.has(column)) continue;
    // Of several conditions on one column any alone is true of what matters.
    if (names.length === 1 && names[0] === table) intervals.set(column, own);
  }
  if (query.words === undefined && intervals.size === 0) return undefined;
  return { mentions: (column) => mentionsColumn(query, column), intervals };
}

/** A query of nothing but partition keys and count(*) needs no schema of any file. */
function needsColumns({ columnNames }: PreparedQuery, { keys }: TableFacts): boolean {
  if (columnNames === undefined) return true;
  const known = new Set(keys.map(({ name }) => name.toLowerCase()));
  return [...columnNames].some((name) => !known.has(name));
}

function groupByKeys(files: readonly ScanFile[]): readonly FileGroup[] {
  const groups = new Map<string, ScanFile[]>();
  for (const file of files) {
    const keys = JSON.stringify([isObjectUrl(file.path), file.entries.map(([key]) => key)]);
    const group = groups.get(keys);
    if (group === undefined) groups.set(keys, [file]);
    else group.push(file);
  }
  return [...groups.values()].map((members) => ({ files: members, columns: [] }));
}

interface Fit {
  readonly tables: readonly CandidateTable[];
  readonly result: PruneResult;
}

/**
 * Where the query names a column that the reference files lack, other files may have it: for the time of choosing it is
 * taken to be in the first table, and of the first type, where the query then makes sense.
 */
async function fitColumns(context: PlanContext, plain: readonly CandidateTable[]): Promise<Fit> {
  let fit: Fit = {
    tables: plain,
    result: await context.prune(plain),
  };
  for (let missing = 0; missing < MAX_MISSING_COLUMNS; missing++) {
    const { result } = fit;
    if (result.outcome !== "invalid" || result.column === undefined) return fit;
    const better = await withColumn(context, fit.tables, result.column);
    if (better === undefined) return fit;
    fit = better;
  }
  return fit;
}

async function withColumn(
  context: PlanContext,
  tables: readonly CandidateTable[],
  name: string,
): Promise<Fit | undefined> {
  for (const type of ["BIGINT", "VARCHAR"]) {
    for (const target of tables) {
      const candidate = tables.map((table) =>
        table === target ? { ...table, columns: [...table.columns, { name, type }] } : table,
      );
      const result = await context.prune(candidate);
      const stillInvalid =
        result.outcome === "invalid" && (result.column === undefined || result.column === name);
      if (!stillInvalid) return { tables: candidate, result };
    }
  }
  return undefined;
}

function candidateTable(
  { names, facts }: NamedTable,
  columns: ReadonlyMap<Key, readonly QueryColumn[]>,
  query: PreparedQuery,
): CandidateTable {
  const { entity, keys } = facts;
  const all = columns.get(entity) ?? facts.columns;
  return { names, entity, columns: all.filter(({ name }) => mentionsColumn(query, name)), keys };
}

function sameTypes(settled: readonly QueryColumn[], planned: readonly QueryColumn[]): boolean {
  const types = new Map(planned.map(({ name, type }) => [name.toLowerCase(), type]));
  return settled.every(({ name, type }) => types.get(name.toLowerCase()) === type);
}

function merged(
  planned: ReadonlyMap<Key, readonly QueryColumn[]>,
  settled: ReadonlyMap<Key, readonly QueryColumn[]>,
): Map<Key, readonly QueryColumn[]> {
  return new Map(
    [...planned].map(([entity, columns]) => {
      const found = new Map((settled.get(entity) ?? []).map((column) => [column.name.toLowerCase(), column]));
      const changed = columns.map((column) => found.get(column.name.toLowerCase()) ?? column);
      const known = new Set(columns.map(({ name }) => name.toLowerCase()));
      const added = [...found].filter(([name]) => !known.has(name)).map(([, column]) => column);
      return [entity, [...changed, ...added]];
    }),
  );
}
