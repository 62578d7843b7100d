import type { Row } from "@parquetry/core";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import { parseRows } from "./parse-rows.ts";
import type { SqlRowOptions } from "./query-options.ts";
import type { QueryStats } from "./query-result.ts";
import { limitedBatches } from "./result-limit.ts";
import { rowsOf } from "./result-rows.ts";
import type { EngineResult } from "./sql-engine.ts";

/**
 * A result whose rows are taken batch by batch, with only one batch in JavaScript's memory at a time. With the embedded DuckDB the
 * query itself has finished, so it cannot fail after the first rows; a cluster still runs it. Iterate it to the end, leave the loop early, or close it.
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
  readonly #result: EngineResult;
  readonly #options: SqlRowOptions<T>;

  constructor(result: EngineResult, options: SqlRowOptions<T>) {
    this.columns = result.columns;
    this.#result = result;
    this.#options = options;
  }

  /** Statistics. */
  get stats(): QueryStats {
    return this.#result.stats();
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
  close(): Promise<void> {
    return this.#result.close();
  }

  /** {@link QueryCursor.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
