import type { Storage } from "@parquetry/core";
import type { ColumnBatch } from "../duckdb/duckdb.ts";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import type { QueryExplanation } from "../plan/plan-summary.ts";
import type { QueryParameters } from "../statement/query-parameters.ts";
import type { ColumnsDescription, DescribedColumn } from "../tables/describe-columns.ts";
import type { QueryStats } from "./query-result.ts";
import type { SqlOptions } from "./sql-options.ts";

/** A table as {@link QueryDatabase.describe} returns it. */
export interface TableDescription extends ColumnsDescription {
  /** The entity. */
  readonly entity: string;
  /** Its partition keys and their types, outermost first. */
  readonly keys: readonly QueryColumn[];
  /** Its columns. A column of type `UNKNOWN` says why: it is NULL throughout, or no type holds its values. */
  readonly columns: readonly DescribedColumn[];
}

/** A result that is read batch by batch. */
export interface EngineResult {
  readonly columns: readonly QueryColumn[];
  /** The statistics so far. `rowCount` is final once the last batch was taken, or earlier. */
  stats(): QueryStats;
  /** Its rows, once. Leaving the loop early frees the result. */
  batches(): AsyncGenerator<ColumnBatch>;
  /** Frees the result; ends the query, if it still runs. */
  close(): Promise<void>;
}

/** The engine that runs the SQL of a {@link QueryDatabase}: the embedded DuckDB, or a cluster. */
export interface SqlEngine {
  /**
   * Runs a query.
   *
   * @param op the name of the call, for errors.
   * @throws StorageError `conflict` with `retry: "safe"`, here or between batches, where writers replaced what the query reads.
   */
  open(
    op: string,
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<EngineResult>;
  /** Says what a query would read. */
  explain(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<QueryExplanation>;
  /** Lists the tables. */
  tables(signal: AbortSignal | undefined): Promise<readonly string[]>;
  /** Describes a table. */
  describe(table: string, signal: AbortSignal | undefined): Promise<TableDescription>;
  /** Forgets what is known about the tables. */
  refresh(): void;
  /** Ends what still runs, and frees everything. */
  close(): Promise<void>;
}

/** An engine that `openQuery` opens over a storage, such as `trino(…)` of `@parquetry/trino`. */
export interface QueryEngine {
  /** Its name, for errors: `trino`. */
  readonly name: string;
  /** Opens it. */
  open(storage: Storage): Promise<SqlEngine>;
}
