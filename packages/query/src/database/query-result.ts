import type { Row } from "@parquetry/core";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import type { QueryExplanation } from "../plan/plan-summary.ts";

/** Statistics of a query. */
export interface QueryStats extends QueryExplanation {
  /** Rows of the result. */
  readonly rowCount: number;
  /** Files of which something was fetched from the store. */
  readonly fetchedFiles: number;
  /** The bytes that were fetched. */
  readonly fetchedBytes: number;
  /** The time from the call to the result, in milliseconds. */
  readonly totalMs: number;
}

/**
 * The result of a query. Values are, by SQL type:
 *
 * | SQL | JavaScript |
 * | --- | --- |
 * | BOOLEAN | boolean |
 * | integers up to HUGEINT | number where safe, else bigint |
 * | FLOAT, DOUBLE | number |
 * | DECIMAL | number up to 15 digits, which a number preserves, else a string with every digit |
 * | VARCHAR, ENUM, UUID, JSON, TIME, INTERVAL, BIT | string |
 * | DATE, TIMESTAMP, TIMESTAMPTZ | Date in UTC, without the digits below the millisecond; with `timestamps: "text"` an ISO string with every digit; `"infinity"` as a string |
 * | BLOB | Uint8Array |
 * | LIST, ARRAY | array |
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
