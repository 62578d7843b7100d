import type { Row } from "@parquetry/core";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import type { QueryExplanation } from "../plan/plan-summary.ts";

/** The figures that a cluster reports about a query. */
export interface ClusterStats {
  /** Its name of the query. */
  readonly queryId: string;
  /** Its state: `FINISHED`. */
  readonly state: string;
  /** The time since it was submitted, in milliseconds, and the part of that in the queue. */
  readonly elapsedMs: number;
  readonly queuedMs: number;
  /** The CPU time of all machines, in milliseconds. */
  readonly cpuMs: number;
  /** Rows and bytes that were read. */
  readonly processedRows: number;
  readonly processedBytes: number;
  readonly peakMemoryBytes: number;
}

/** Statistics of a query. */
export interface QueryStats extends QueryExplanation {
  /** Rows of the result. A cursor of an engine elsewhere counts those that were taken, until it has ended. */
  readonly rowCount: number;
  /** Files of which something was fetched from the store. */
  readonly fetchedFiles: number;
  /** The bytes that were fetched. */
  readonly fetchedBytes: number;
  /** The figures that the cluster has reported so far. Absent: the query ran in DuckDB. */
  readonly cluster?: ClusterStats | undefined;
  /** The time from the call to the result, in milliseconds. */
  readonly totalMs: number;
}

/**
 * The result of a query. A value is the same as in `readIndex` and `readParquet`. By SQL type:
 *
 * | SQL | JavaScript |
 * | --- | --- |
 * | BOOLEAN | boolean |
 * | integers up to HUGEINT | number where safe, else bigint |
 * | FLOAT, DOUBLE | number |
 * | DECIMAL | as an integer if its scale is 0; else by its type a number up to 15 digits, and a string with every digit above: `sum(price)` has 38, `sum(price)::DOUBLE` is a number |
 * | VARCHAR, ENUM, UUID, JSON, TIME, INTERVAL, BIT | string |
 * | DATE, TIMESTAMP, TIMESTAMPTZ | Date in UTC if it holds the value exactly, else an ISO 8601 string with every digit: `"2024-01-01T00:00:00.123456Z"`, `"+290000-01-01"`, `"infinity"`; the option `timestamps` chooses one of them for all |
 * | BLOB | Uint8Array |
 * | LIST, ARRAY | array; rows with equal lists may share one |
 * | STRUCT | object |
 * | MAP | array of `{ key, value }` |
 * | NULL | null |
 *
 * A second column of the same name is called `name:1`.
 */
export interface QueryResult<T = Row> {
  /** The rows. */
  readonly rows: readonly T[];
  /** The columns, in order. */
  readonly columns: readonly QueryColumn[];
  /** Statistics. */
  readonly stats: QueryStats;
}

/** The result of a query, column by column. Values are as in {@link QueryResult}. */
export interface ColumnarResult {
  /** By column, its values, one per row. */
  readonly data: Readonly<Record<string, readonly unknown[]>>;
  /** The columns, in order. */
  readonly columns: readonly QueryColumn[];
  /** Statistics. */
  readonly stats: QueryStats;
}

/** The values of an Arrow column. */
export interface ArrowValues extends Iterable<unknown> {
  /** The number of rows. */
  readonly length: number;
  /** How many of them are NULL. */
  readonly nullCount: number;
  /** Returns the value of a row, null for NULL. */
  at(row: number): unknown;
  /** Returns all values: a typed array where the type has one and no row is NULL. */
  toArray(): ArrayLike<unknown>;
}

/** An Arrow table. */
export interface ArrowTable {
  /** The number of rows. */
  readonly numRows: number;
  /** The number of columns. */
  readonly numCols: number;
  /** The names of the columns, in order. */
  readonly names: readonly PropertyKey[];
  /** Returns a column by its name. */
  getChild(name: string): ArrowValues;
  /** Returns the rows as objects. */
  toArray(): readonly object[];
}

/**
 * The result of a query as an Arrow table, whose values are those of DuckDB, bit by bit.
 *
 * | SQL | Arrow | read by `getChild(name).at(row)` as |
 * | --- | --- | --- |
 * | integers up to 64 bits | int8 … uint64 | number up to 32 bits, else bigint |
 * | HUGEINT, UHUGEINT | decimal128(38, 0), decimal256(39, 0) | bigint |
 * | DECIMAL(p, s) | decimal128(p, s) | bigint of the digits, without the point |
 * | FLOAT, DOUBLE, BOOLEAN | float32, float64, bool | number, boolean |
 * | VARCHAR, BLOB | utf8, binary | string, Uint8Array |
 * | ENUM | dictionary of utf8 | string |
 * | DATE | date32 | milliseconds since 1970 |
 * | TIME | time64 of microseconds | bigint |
 * | TIMESTAMP_S, _MS, TIMESTAMP, _NS; TIMESTAMPTZ | timestamp of s, ms, us, ns; of us in UTC | bigint in that unit |
 * | LIST, ARRAY; MAP | list; list of struct (key, value) | array or typed array |
 * | STRUCT | struct | object |
 * | UUID, INTERVAL, BIT and other scalars | utf8, as in {@link QueryResult} | string |
 */
export interface ArrowResult {
  /** The table: a `Table` of `@uwdata/flechette`, whose other methods are there as well. */
  readonly table: ArrowTable;
  /** Returns the table as an Arrow file, which every other implementation of Arrow reads. */
  toIpc(): Uint8Array;
  /** The columns, in order, with their SQL types. */
  readonly columns: readonly QueryColumn[];
  /** Statistics. */
  readonly stats: QueryStats;
}
