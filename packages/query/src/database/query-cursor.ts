import type { Row } from "@parquetry/core";
import type { DuckDbResult } from "../duckdb/duckdb.ts";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import type { QueryStats } from "./query-result.ts";
import { limitedBatches, type ResultLimit } from "./result-limit.ts";
import { rowsOf } from "./result-rows.ts";

/**
 * A result whose rows are taken batch by batch, with only one batch in JavaScript's memory at a time. The query itself has finished,
 * so it cannot fail after the first rows. Iterate it to the end, leave the loop early, or close it.
 *
 * @example
 * ```ts
 * await using cursor = await db.open("SELECT * FROM plays WHERE year = 2024");
 * console.log(cursor.columns, cursor.stats.rowCount);
 * for await (const rows of cursor) await send(rows);
 * ```
 */
export class QueryCursor implements AsyncIterable<Row[]>, AsyncDisposable {
  /** The columns, in order. */
  readonly columns: readonly QueryColumn[];
  /** Statistics. */
  readonly stats: QueryStats;
  readonly #result: DuckDbResult;
  readonly #limit: ResultLimit;

  constructor(result: DuckDbResult, stats: QueryStats, limit: ResultLimit) {
    this.columns = result.columns;
    this.stats = stats;
    this.#result = result;
    this.#limit = limit;
  }

  /** The rows, once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Row[]> {
    for await (const batch of limitedBatches(this.#result, this.#limit)) yield rowsOf(this.columns, batch);
  }

  /** Frees the result. */
  async close(): Promise<void> {
    this.#result.close();
  }

  /** {@link QueryCursor.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
