import type { Row } from "@parquetry/core";
import type { DuckDbResult } from "../duckdb/duckdb.ts";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import type { SqlRowOptions } from "./query-options.ts";
import type { QueryStats } from "./query-result.ts";
import { limitedBatches } from "./result-limit.ts";
import { rowsOf } from "./result-rows.ts";
import { parseRows } from "./row-schema.ts";

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
export class QueryCursor<T = Row> implements AsyncIterable<T[]>, AsyncDisposable {
  /** The columns, in order. */
  readonly columns: readonly QueryColumn[];
  /** Statistics. */
  readonly stats: QueryStats;
  readonly #result: DuckDbResult;
  readonly #options: SqlRowOptions<T>;

  constructor(result: DuckDbResult, stats: QueryStats, options: SqlRowOptions<T>) {
    this.columns = result.columns;
    this.stats = stats;
    this.#result = result;
    this.#options = options;
  }

  /** The rows, once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T[]> {
    const { schema } = this.#options;
    let first = 0;
    for await (const batch of limitedBatches(this.#result, this.#options)) {
      const rows = rowsOf(this.columns, batch);
      // Without a schema the caller names the type of the rows.
      yield schema === undefined ? (rows as T[]) : await parseRows(rows, schema, first);
      first += rows.length;
    }
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
