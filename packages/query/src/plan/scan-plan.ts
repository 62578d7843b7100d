import type { Key } from "@parquetry/core";
import { type DuckDbProblem, problemError } from "../duckdb/duckdb-error.ts";
import type { CandidateTable, QueryColumn } from "../duckdb/views/scan-table.ts";
import type { StoredFile } from "../files/file-source.ts";
import { mentionsColumn } from "../statement/statement.ts";
import { type StoredFilesOptions, storedFiles } from "../tables/stored-files.ts";
import { suggestColumn } from "../tables/suggest-column.ts";
import { type ChosenPartitions, choosePartitions } from "./choose-partitions.ts";
import { fitColumns } from "./fit-columns.ts";
import type { NamedTable, PlanContext } from "./plan-context.ts";

/** The columns that each entity is taken to have. */
export type ColumnsByEntity = ReadonlyMap<Key, readonly QueryColumn[]>;

export interface TablePlan extends ChosenPartitions {
  readonly table: NamedTable;
  readonly files: readonly StoredFile[];
}

/** Which partitions and files a query reads. */
export interface ScanPlan {
  readonly tables: readonly TablePlan[];
  /** Why nothing was pruned, if DuckDB could not tell. */
  readonly unpruned?: string | undefined;
  /** False where there are more partitions than were asked for. */
  readonly isWhole: boolean;
  /** Columns that the query names and that no known file has, by name. */
  readonly assumed: ReadonlyMap<string, DuckDbProblem>;
}

export interface ScanPlanOptions {
  /** How many partitions are read of each table. Default: all that are chosen. */
  readonly maxPartitions?: number;
  /** How the files of a table will be fetched; a pinning source fetches them as soon as it knows them. Default: it does not. */
  readonly fetchOptions?: (table: NamedTable) => StoredFilesOptions["fetch"];
}

/**
 * Chooses the partitions and files of every table. Reads listings and manifests only.
 *
 * @param columns the columns that the tables are taken to have.
 * @throws StorageError `invalid_argument` where the query does not fit the tables.
 */
export async function planScan(
  context: PlanContext,
  columns: ColumnsByEntity,
  { maxPartitions = Number.POSITIVE_INFINITY, fetchOptions }: ScanPlanOptions = {},
): Promise<ScanPlan> {
  const { signal, source } = context;
  const plain = context.tables.map(({ names, facts: { entity, keys, columns: own } }): CandidateTable => {
    const all = columns.get(entity) ?? own;
    return {
      names,
      entity,
      columns: all.filter(({ name }) => mentionsColumn(context.statement, name)),
      keys,
    };
  });
  const { tables: fitting, result, assumed } = await fitColumns(context, plain);
  if (result.outcome === "invalid") throw unfit(result.problem, context.tables);
  const unused = result.outcome === "pruned" ? result.unused : new Set();
  let isWhole = true;
  const tables = await Promise.all(
    context.tables.map(async (table): Promise<TablePlan> => {
      const { entity } = table.facts;
      if (unused.has(entity)) return { table, folders: [], levels: [], files: [] };
      const filterKeys = result.outcome === "pruned" ? result.filterKeys.get(entity) : undefined;
      const chosen = await choosePartitions(context, table, fitting, filterKeys ?? new Set());
      const folders = chosen.folders.slice(0, maxPartitions);
      if (folders.length < chosen.folders.length) isWhole = false;
      const files = await storedFiles(folders, source, { signal, fetch: fetchOptions?.(table) });
      return { table, levels: chosen.levels, folders, files };
    }),
  );
  const unpruned = result.outcome === "unknown" ? result.reason : undefined;
  return { tables, isWhole, unpruned, assumed };
}

/** The error of a query that does not fit its tables. */
export function unfit(problem: DuckDbProblem, tables: readonly NamedTable[]): Error {
  const { column } = problem;
  const facts = tables.map((table) => table.facts);
  return problemError(problem, { hint: column === undefined ? "" : suggestColumn(column, facts) });
}
