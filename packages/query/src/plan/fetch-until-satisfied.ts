import { isStorageError, type StorageErrorCode } from "@parquetry/core";
import type { FetchCount } from "../files/file-source.ts";
import { type FetchedScan, fetchScan } from "./fetched-scan.ts";
import type { PlanContext } from "./plan-context.ts";
import { type QueryExplanation, summarizePlan } from "./plan-summary.ts";

/** The number of partitions that are read first if any rows answer a query, and the factor by which it grows. */
const FIRST_PARTITIONS = 8;
const GROWTH = 8;
/** Up to this many partitions are tried one, two, four at a time when a larger number contains a damaged file. */
const MOST_BEFORE_DAMAGE = 4096;
/** Errors of a single file, which say nothing about the others. */
const OF_ONE_FILE: ReadonlySet<StorageErrorCode> = new Set(["corrupt", "not_supported", "permission_denied"]);

export interface ReadSummary extends QueryExplanation, FetchCount {}

/** How a query runs over its files. */
export interface Execution<T> {
  /** @param outdated fires as soon as the result is not needed. */
  readonly run: (scan: FetchedScan, outdated: AbortSignal | undefined) => Promise<T>;
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
  const { statement, listing, onProgress } = context;
  const count: FetchCount = { fetchedFiles: 0, fetchedBytes: 0 };
  const limit = Math.min(statement.stopAfterRows ?? Number.POSITIVE_INFINITY, maxRows + 1);
  const canStop = statement.stopAfterRows !== undefined && Number.isFinite(limit);
  const attempt = async (
    partitions: number,
  ): Promise<{ readonly result: T; readonly summary: ReadSummary } | undefined> => {
    const { result, plan, planMs } = await listing.upToDate(
      async (outdated, onWaiting) => {
        const scan = await fetchScan(context, count, partitions);
        outdated?.throwIfAborted();
        const planMs = performance.now() - context.started;
        onProgress?.({ phase: "running" });
        const running = run(scan, outdated);
        onWaiting();
        return { result: await running, plan: scan.plan, planMs };
      },
      (stale) => discard(stale.result),
    );
    if (plan.isWhole || result.rowCount >= limit) {
      return { result, summary: { ...summarizePlan(plan, context), planMs, ...count } };
    }
    await discard(result);
    return undefined;
  };
  for (let partitions = canStop ? FIRST_PARTITIONS : Number.POSITIVE_INFINITY; ; partitions *= GROWTH) {
    try {
      const done = await attempt(partitions);
      if (done !== undefined) return done;
    } catch (error) {
      if (!canStop || !isStorageError(error)) throw error;
      if (OF_ONE_FILE.has(error.code)) {
        // The partitions before the damaged file may suffice.
        for (let fewer = 1; fewer < Math.min(partitions, MOST_BEFORE_DAMAGE); fewer *= 2) {
          const done = await attempt(fewer).catch(() => {
            throw error;
          });
          if (done !== undefined) return done;
        }
      }
      // Only later files may have a column that the query names.
      if (!Number.isFinite(partitions) || error.code !== "invalid_argument") throw error;
      partitions = Number.POSITIVE_INFINITY;
    }
  }
}
