import { isStorageError } from "@parquetry/core";
import type { SqlOptions } from "../database/query-options.ts";
import type { QueryExplanation } from "../database/query-result.ts";
import type { PreparedQuery } from "../duckdb/duckdb.ts";
import type { FetchCount } from "../files/file-source.ts";
import { explainChoice } from "./plan-summary.ts";
import { type PlanContext, planScans, type ScanPlan } from "./scan-plan.ts";

/** Partitions that are read first of a query that any rows answer, and how many times more are read where these do not do. */
const FIRST_PARTITIONS = 8;
const GROWTH = 8;

/** A query, its files on this machine. */
export interface Planned {
  readonly plan: ScanPlan;
  readonly query: PreparedQuery;
  readonly explanation: QueryExplanation;
  readonly count: FetchCount;
}

/** What is to be done with a planned query. */
export interface Execution<T> {
  readonly run: (planned: Planned) => Promise<T>;
  /** Frees a result that turned out to be too small. */
  readonly discard: (result: T) => Promise<void>;
}

/**
 * Plans and runs a query. One that any rows answer, such as `FROM plays LIMIT 5`, reads a few partitions first and more only
 * where these hold too few rows; every other query reads all that it needs at once.
 */
export async function fetchUntilSatisfied<T extends { readonly rowCount: number }>(
  context: PlanContext,
  { maxRows = Number.POSITIVE_INFINITY, onProgress }: Pick<SqlOptions, "maxRows" | "onProgress">,
  { run, discard }: Execution<T>,
  started: number,
): Promise<{ readonly result: T; readonly planned: Planned }> {
  const { query } = context;
  const count: FetchCount = { fetchedFiles: 0, fetchedBytes: 0, cacheHits: 0 };
  const enough = Math.min(query.enoughRows ?? Number.POSITIVE_INFINITY, maxRows + 1);
  const isAny = query.enoughRows !== undefined && Number.isFinite(enough);
  for (let partitions = isAny ? FIRST_PARTITIONS : Number.POSITIVE_INFINITY; ; partitions *= GROWTH) {
    try {
      const plan = await planScans(context, count, partitions);
      const explanation = await explainChoice(plan.choice, context, started);
      onProgress?.({ phase: "running" });
      const planned: Planned = { plan, query, explanation, count };
      const result = await run(planned);
      if (plan.choice.isWhole || result.rowCount >= enough) return { result, planned };
      await discard(result);
    } catch (error) {
      // A column that it names may be in later files only.
      if (!Number.isFinite(partitions) || !isStorageError(error, "invalid_argument")) throw error;
      partitions = Number.POSITIVE_INFINITY;
    }
  }
}
