import type { Key } from "@parquetry/core";
import type { FileGroup, QueryColumn, ScanTable } from "../duckdb/views/scan-table.ts";
import type { FetchCount, FetchOptions, FileNeeds, StoredFile } from "../files/file-source.ts";
import { groupBy } from "../files/group-by.ts";
import { type ScanFile, unseenKeys } from "../files/scan-file.ts";
import { foldName } from "../statement/fold-name.ts";
import { mentionsColumn, type NumberInterval, type Statement } from "../statement/statement.ts";
import { nameColumns, typesInFiles } from "../tables/column-names.ts";
import { reconcileColumns } from "../tables/reconcile-columns.ts";
import type { TableFacts } from "../tables/table-facts.ts";
import type { NamedTable, PlanContext } from "./plan-context.ts";
import { type ColumnsByEntity, planScan, type ScanPlan, unfit } from "./scan-plan.ts";

/** Partitions are chosen at most this often because the files have other types than was assumed. */
const MAX_ROUNDS = 3;

/** A {@link ScanPlan} whose files are ready to scan. */
export interface FetchedScan {
  readonly plan: ScanPlan;
  readonly tables: readonly ScanTable[];
}

/**
 * Chooses partitions, fetches their files and decides the types of the columns. Partitions are chosen by the types of the reference
 * files; if the files that are read have other types, partitions are chosen again, until both agree.
 */
export async function fetchScan(
  context: PlanContext,
  count: FetchCount,
  maxPartitions: number,
): Promise<FetchedScan> {
  let columns: ColumnsByEntity = new Map(context.tables.map(({ facts }) => [facts.entity, facts.columns]));
  for (let round = 1; ; round++) {
    const plan = await planScan(context, columns, {
      maxPartitions,
      fetchOptions: (table) => ({ ...fileNeeds(context.statement, table), count }),
    });
    const tables: ScanTable[] = [];
    const settled = new Map<Key, readonly QueryColumn[]>();
    const onFile = fetchProgress(context, plan);
    for (const { table, files } of plan.tables) {
      const scan = await scanTable(context, table, files, { count, onFile });
      tables.push(scan);
      settled.set(table.facts.entity, scan.columns);
    }
    const pruned = plan.tables.some(({ levels, folders }) => levels.length > 0 || folders.length === 0);
    const agree = context.tables.every(({ facts }) =>
      sameTypes(settled.get(facts.entity) ?? [], columns.get(facts.entity) ?? []),
    );
    if (agree || !pruned || round === MAX_ROUNDS) {
      checkAssumed(context, plan, tables);
      return { plan, tables };
    }
    columns = merged(columns, settled);
  }
}

/** The parts of the files of a table that a statement needs. */
export function fileNeeds(statement: Statement, table: NamedTable): FileNeeds {
  return {
    columnTypes: typesInFiles(table.declared.columnTypes, table.facts.names.inFiles),
    parts: neededParts(statement, table),
  };
}

function neededParts(statement: Statement, { names, facts, declared }: NamedTable): FileNeeds["parts"] {
  const intervals = new Map<string, readonly NumberInterval[]>();
  const typed = new Set(Object.keys(declared.columnTypes).map(foldName));
  for (const { table, columns, intervals: own } of statement.conditions?.conditions ?? []) {
    const [column] = columns;
    if (own === undefined || column === undefined || typed.has(column)) continue;
    // If there are several conditions on one column, any one of them suffices.
    if (names.length === 1 && names[0] === table) intervals.set(column, own);
  }
  if (statement.words === undefined && intervals.size === 0) return undefined;
  const { inSql } = facts.names;
  return {
    mentions: (column) => {
      const name = inSql(column);
      return name !== undefined && mentionsColumn(statement, name);
    },
    intervalsOf: (column) => {
      const name = inSql(column);
      return name === undefined ? undefined : intervals.get(foldName(name));
    },
  };
}

/** A column that was only assumed must be in a file by now. */
function checkAssumed(context: PlanContext, { assumed }: ScanPlan, tables: readonly ScanTable[]): void {
  if (assumed.size === 0) return;
  const known = new Set(tables.flatMap(({ columns }) => columns.map(({ name }) => foldName(name))));
  for (const [name, problem] of assumed) {
    if (!known.has(foldName(name))) throw unfit(problem, context.tables);
  }
}

function fetchProgress({ onProgress }: PlanContext, { tables }: ScanPlan): FetchOptions["onFile"] {
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
  { duckdb, source, signal, statement }: PlanContext,
  table: NamedTable,
  stored: readonly StoredFile[],
  options: Pick<FetchOptions, "count" | "onFile">,
): Promise<ScanTable> {
  const { facts, declared, names } = table;
  const files = await source.fetch(stored, { ...options, signal, ...fileNeeds(statement, table) });
  const found = needsColumns(statement, facts)
    ? await duckdb.groupFiles(files, { signal })
    : await groupByKeys(files);
  const { columns, groups } = await reconcileColumns(duckdb, {
    entity: facts.entity,
    groups: nameColumns(found, facts.names.inSql),
    reference: facts.columns,
    declared: declared.columnTypes,
    mentions: (name) => mentionsColumn(statement, name),
    signal,
  });
  // A key that the query cannot need would only make the paths for DuckDB longer.
  const keys = facts.keys.filter(({ name }) => mentionsColumn(statement, name));
  return { names, columns, keys, groups };
}

/** A query of nothing but partition keys and count(*) needs no schema of any file. */
function needsColumns({ columnNames }: Statement, { keys }: TableFacts): boolean {
  if (columnNames === undefined) return true;
  const known = new Set(keys.map(({ name }) => foldName(name)));
  return [...columnNames].some((name) => !known.has(name));
}

async function groupByKeys(files: readonly ScanFile[]): Promise<readonly FileGroup[]> {
  const groups = await groupBy(files, ({ kind, key: path, entries }) =>
    JSON.stringify([kind, unseenKeys(path), entries.map(([key]) => key)]),
  );
  return [...groups.values()].map((members) => ({ files: members, columns: [] }));
}

function sameTypes(settled: readonly QueryColumn[], planned: readonly QueryColumn[]): boolean {
  const types = new Map(planned.map(({ name, type }) => [foldName(name), type]));
  return settled.every(({ name, type }) => types.get(foldName(name)) === type);
}

function merged(planned: ColumnsByEntity, settled: ColumnsByEntity): ColumnsByEntity {
  return new Map(
    [...planned].map(([entity, columns]) => {
      const found = new Map((settled.get(entity) ?? []).map((column) => [foldName(column.name), column]));
      const changed = columns.map((column) => found.get(foldName(column.name)) ?? column);
      const known = new Set(columns.map(({ name }) => foldName(name)));
      const added = [...found].filter(([name]) => !known.has(name)).map(([, column]) => column);
      return [entity, [...changed, ...added]];
    }),
  );
}
