import type { Key } from "@parquetry/core";
import type { LevelChoice } from "./choose-partitions.ts";
import { fileNeeds } from "./fetched-scan.ts";
import type { PlanContext } from "./plan-context.ts";
import type { ScanPlan } from "./scan-plan.ts";

/** The reads of a query from one table. */
export interface TableStats {
  /** The name by which the query calls it. */
  readonly table: string;
  /** The entity that it is. */
  readonly entity: string;
  /**
   * For each partition key that the query filters by, down to the last: how many partitions were kept, of those below the ones
   * that the level above kept.
   */
  readonly levels: readonly LevelChoice[];
  /** Partitions that are read. */
  readonly partitions: number;
  /** Files that are read. */
  readonly files: number;
  /** Bytes of these files. DuckDB reads only the columns and row groups that it needs of them. */
  readonly bytes: number;
  /** Set by `explain`: the files that are cached, so that the query does not fetch them. Local Parquet files are never cached. */
  readonly filesCached?: number | undefined;
  /** Set by `explain`: the folders of the partitions that are read. */
  readonly folders?: readonly Key[] | undefined;
}

/** The reads of a query, done or planned. */
export interface QueryExplanation {
  /** The tables. */
  readonly tables: readonly TableStats[];
  /** List requests to the store: one per page. */
  readonly listRequests: number;
  /** Why every partition is read, if the predicates could not be evaluated. */
  readonly unpruned?: string | undefined;
  /** Why the query may read other files than the committed ones. Absent: it reads exactly those. */
  readonly inexact?: string | undefined;
  /** The query reads a few partitions at a time, in order, until it has this many rows. Absent: it reads all of them. */
  readonly stopAfterRows?: number | undefined;
  /** The part of `planMs` spent on parsing and choosing partitions, in milliseconds. */
  readonly pruneMs: number;
  /** The time before DuckDB runs the query, including listing and fetching, in milliseconds. */
  readonly planMs: number;
}

/** Says what a plan reads. */
export function summarizePlan(
  { tables, unpruned }: ScanPlan,
  { listing, statement: { stopAfterRows }, watch, started }: PlanContext,
): QueryExplanation {
  return {
    tables: tables.map(
      ({ table: { names, facts }, levels, folders, files }): TableStats => ({
        table: names[0] ?? facts.entity,
        entity: facts.entity,
        levels,
        partitions: folders.length,
        files: files.length,
        bytes: files.reduce((sum, { file }) => sum + file.info.sizeBytes, 0),
      }),
    ),
    listRequests: listing.requests(),
    unpruned,
    stopAfterRows: stopAfterRows === Number.POSITIVE_INFINITY ? undefined : stopAfterRows,
    pruneMs: watch.elapsedMs,
    planMs: performance.now() - started,
  };
}

/** Says what a plan would read, and how much of it is cached. */
export async function explainPlan(plan: ScanPlan, context: PlanContext): Promise<QueryExplanation> {
  const summary = summarizePlan(plan, context);
  const cached = await Promise.all(
    plan.tables.map(({ table, files }) =>
      context.source.countCached(files, fileNeeds(context.statement, table)),
    ),
  );
  return {
    ...summary,
    tables: summary.tables.map((table, i) => ({
      ...table,
      filesCached: cached[i],
      folders: plan.tables[i]?.folders.map(({ prefix }) => prefix),
    })),
  };
}
