import type { Row } from "@parquetry/core";
import type { QueryColumn } from "../duckdb/duckdb.ts";
import type { LevelChoice } from "../plan/choose-partitions.ts";

/** What a query reads of one table. */
export interface TableStats {
  /** The name by which the query calls it. */
  readonly table: string;
  /** The entity that it is. */
  readonly entity: string;
  /**
   * For each partition key that the query filters by, down to the last: how many partitions were kept of those there were
   * below what the level above kept.
   */
  readonly levels: readonly LevelChoice[];
  /** Folders that hold what is read. */
  readonly partitions: number;
  /** Files that are read. */
  readonly files: number;
  /** Their bytes, before DuckDB leaves out columns and row groups. */
  readonly bytes: number;
  /** Files of them that are on this machine: all of a local store, those in the cache of another. */
  readonly filesHere: number;
}

/** What it takes to answer a query. */
export interface QueryExplanation {
  /** The tables. */
  readonly tables: readonly TableStats[];
  /** Pages that the store was asked to list: one request each. */
  readonly listRequests: number;
  /** Why every partition is read, where the predicates could not be evaluated. */
  readonly unpruned?: string | undefined;
  /** Rows that are enough: a few partitions are read at a time, in order, until there are so many. Absent: all are read. */
  readonly enoughRows?: number | undefined;
  /** How long parsing and choosing partitions took, in milliseconds: of `planMs` what the store has no part in. */
  readonly pruneMs: number;
  /** How long everything before the query itself took, in milliseconds, with listing and fetching. */
  readonly planMs: number;
}

/** What it took to answer a query. */
export interface QueryStats extends QueryExplanation {
  /** Rows of the result. */
  readonly rowCount: number;
  /** Files that had to be fetched from the store. */
  readonly fetchedFiles: number;
  /** Their bytes. */
  readonly fetchedBytes: number;
  /** How long everything took, in milliseconds. */
  readonly totalMs: number;
}

/**
 * The answer of a query. Values are, by SQL type:
 *
 * | SQL | JavaScript |
 * | --- | --- |
 * | BOOLEAN | boolean |
 * | integers up to HUGEINT | number where safe, else bigint |
 * | FLOAT, DOUBLE | number |
 * | DECIMAL | number where it has at most 15 digits, which survive, else text with every digit |
 * | VARCHAR, ENUM, UUID, JSON, TIME, INTERVAL, BIT | string |
 * | DATE, TIMESTAMP, TIMESTAMPTZ | Date in UTC, digits below the millisecond cut off; with `timestamps: "text"` ISO text with every digit; `"infinity"` as text |
 * | BLOB | Uint8Array |
 * | LIST, ARRAY | array |
 * | STRUCT | object |
 * | MAP | array of `{ key, value }` |
 * | NULL | null |
 *
 * A second column of the same name is called `name:1`.
 */
export interface QueryResult {
  /** The rows. */
  readonly rows: readonly Row[];
  /** The columns, in order. */
  readonly columns: readonly QueryColumn[];
  /** What it took. */
  readonly stats: QueryStats;
}

/** The answer of a query, column by column. Values are as in {@link QueryResult}. */
export interface ColumnarResult {
  /** By column, its values, one for each row. */
  readonly data: Readonly<Record<string, readonly unknown[]>>;
  /** The columns, in order. */
  readonly columns: readonly QueryColumn[];
  /** What it took. */
  readonly stats: QueryStats;
}
