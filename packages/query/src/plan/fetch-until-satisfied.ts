import { isStorageError } from "@parquetry/core";
import type { FetchCount } from "../files/file-source.ts";
import { type FetchedScan, fetchScan } from "./fetched-scan.ts";
import type { PlanContext } from "./plan-context.ts";
import { type QueryExplanation, summarizePlan } from "./plan-summary.ts";

/** The number of partitions that are read first if any rows answer a query, and the factor by which it grows. */
const FIRST_PARTITIONS = 8;
const GROWTH = 8;

export interface ReadSummary extends QueryExplanation, FetchCount {}

/** How a query runs over its files. */
export interface Execution<T> {
  readonly run: (scan: FetchedScan) => Promise<T>;
  /** Frees a result that turned out to be too small. */
  readonly discard: (result: T) => Promise<void>;
}

/**
 * Fetches the files of a query and runs it. If any rows answer the query, such as `FROM plays LIMIT 5`, a few partitions are read
 * first, and more only if these contain too few rows. Every other query reads everything that it needs.
 */
export async function fetchUntilSatisfied<T extends { readonly rowCount: number }>(
  context: PlanContext,
  maxRows: number = Number.POSITIVE_INFINITY,
  { run, discard }: Execution<T>,
): Promise<{ readonly result: T; readonly summary: ReadSummary }> {
  const { statement, onProgress } = context;
  const count: FetchCount = { fetchedFiles: 0, fetchedBytes: 0 };
  const limit = Math.min(statement.stopAfterRows ?? Number.POSITIVE_INFINITY, maxRows + 1);
  const canStop = statement.stopAfterRows !== undefined && Number.isFinite(limit);
  for (let partitions = canStop ? FIRST_PARTITIONS : Number.POSITIVE_INFINITY; ; partitions *= GROWTH) {
    try {
      const scan = await fetchScan(context, count, partitions);
      const summary = summarizePlan(scan.plan, context);
      onProgress?.({ phase: "running" });
      const result = await run(scan);
      const limitReached = result.rowCount >= limit;
      if (scan.plan.isWhole || limitReached) return { result, summary: { ...summary, ...count } };
      await discard(result);
    } catch (error) {
      // Only later files may have a column that the query names.
      if (!Number.isFinite(partitions) || !isStorageError(error, "invalid_argument")) throw error;
      partitions = Number.POSITIVE_INFINITY;
    }
  }
}
