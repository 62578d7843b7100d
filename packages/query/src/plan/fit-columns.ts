import type { PruneResult } from "../duckdb/duckdb.ts";
import type { DuckDbProblem } from "../duckdb/duckdb-error.ts";
import type { CandidateTable } from "../duckdb/views/scan-table.ts";
import { type PlanContext, prune } from "./plan-context.ts";

/** The most columns that a query may name although the reference files lack them. */
const MAX_MISSING_COLUMNS = 8;

/** Tables that a query fits. */
export interface Fit {
  readonly tables: readonly CandidateTable[];
  /** The result of planning over them. */
  readonly result: PruneResult;
  /** By name, the problems with columns that the tables were given only because the query names them. */
  readonly assumed: ReadonlyMap<string, DuckDbProblem>;
}

/**
 * If the query names a column that the reference files lack, other files may have it. While partitions are chosen, the column is
 * added to the first table, with the first type, for which the query makes sense.
 */
export async function fitColumns(context: PlanContext, plain: readonly CandidateTable[]): Promise<Fit> {
  let fit: Fit = { tables: plain, result: await prune(context, plain), assumed: new Map() };
  for (let missing = 0; missing < MAX_MISSING_COLUMNS; missing++) {
    const { result, assumed } = fit;
    if (result.outcome !== "invalid" || result.problem.column === undefined) return fit;
    const { column } = result.problem;
    const better = await withColumn(context, fit.tables, column);
    if (better === undefined) return fit;
    fit = { ...better, assumed: new Map([...assumed, [column, result.problem]]) };
  }
  return fit;
}

async function withColumn(
  context: PlanContext,
  tables: readonly CandidateTable[],
  name: string,
): Promise<Omit<Fit, "assumed"> | undefined> {
  for (const type of ["BIGINT", "VARCHAR"]) {
    for (const target of tables) {
      const candidate = tables.map((table) =>
        table === target ? { ...table, columns: [...table.columns, { name, type }] } : table,
      );
      const result = await prune(context, candidate);
      const column = result.outcome === "invalid" ? (result.problem.column ?? name) : undefined;
      if (column !== name) return { tables: candidate, result };
    }
  }
  return undefined;
}
