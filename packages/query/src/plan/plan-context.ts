import type { Key } from "@parquetry/core";
import type { ObjectInfo } from "@parquetry/core/backend";
import type { DuckDb, PruneResult } from "../duckdb/duckdb.ts";
import type { CandidateTable } from "../duckdb/views/scan-table.ts";
import type { FileSource } from "../files/file-source.ts";
import type { Statement } from "../statement/statement.ts";
import type { ListingMemory } from "../tables/listing-memory.ts";
import type { DeclaredTable, TableFacts } from "../tables/table-facts.ts";

/** The progress of a query. */
export type QueryProgress =
  /** Partitions are being listed and chosen. */
  | { readonly phase: "planning"; readonly listRequests: number }
  /** Files are being fetched. Bytes are those in the store. */
  | {
      readonly phase: "fetching";
      readonly files: number;
      readonly totalFiles: number;
      readonly bytes: number;
      readonly totalBytes: number;
    }
  /** All files are ready and DuckDB runs the query. How long that takes is unknown. */
  | { readonly phase: "running" };

/** A table of a query. */
export interface NamedTable {
  /** The names by which the query calls it. */
  readonly names: readonly string[];
  readonly facts: TableFacts;
  readonly declared: DeclaredTable;
}

/** One query while it is planned. */
export interface PlanContext {
  readonly duckdb: DuckDb;
  readonly source: FileSource;
  readonly listing: ListingMemory;
  readonly statement: Statement;
  readonly tables: readonly NamedTable[];
  /** When the query began, by `performance.now()`. */
  readonly started: number;
  /** Measures parsing and choosing partitions. */
  readonly watch: Stopwatch;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: QueryProgress) => void) | undefined;
  /** Called with the files that a listing of a table found and no query reads. */
  readonly onStrays: (entity: Key, strays: readonly ObjectInfo[]) => void;
}

/** Lets DuckDB choose partitions. */
export function prune(
  { duckdb, statement, signal, watch }: PlanContext,
  tables: readonly CandidateTable[],
): Promise<PruneResult> {
  return watch.time(() => duckdb.prune(statement, tables, { signal }));
}

/** Adds up the time of calls, some of which may run concurrently. */
export class Stopwatch {
  #elapsedMs = 0;
  #running = 0;
  #since = 0;

  /** The time during which at least one call ran, in milliseconds. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Makes a call. */
  async time<T>(call: () => Promise<T>): Promise<T> {
    if (this.#running++ === 0) this.#since = performance.now();
    try {
      return await call();
    } finally {
      if (--this.#running === 0) this.#elapsedMs += performance.now() - this.#since;
    }
  }
}
