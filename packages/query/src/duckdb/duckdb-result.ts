import { setImmediate as nextTurn } from "node:timers/promises";
import type { DuckDBConnection, DuckDBMaterializedResult } from "@duckdb/node-api";
import { type Row, StorageError } from "@parquetry/core";
import type { EngineResult, QueryColumn, ResultOptions } from "../engine.ts";
import { resultValue } from "./result-values.ts";

/** The event loop gets its turn at least this often while values are converted. */
const MAX_BLOCK_MS = 15;

/**
 * A finished result of DuckDB, converted chunk by chunk as it is read. `stream()` of the driver is avoided: it ends early
 * without an error where the query fails, is interrupted or meets another query on its connection.
 */
export class DuckDbResult implements EngineResult {
  readonly columns: readonly QueryColumn[];
  readonly rowCount: number;
  readonly #result: DuckDBMaterializedResult;
  readonly #connection: DuckDBConnection;
  readonly #options: ResultOptions & { readonly signal?: AbortSignal | undefined };
  #closed = false;

  constructor(
    result: DuckDBMaterializedResult,
    connection: DuckDBConnection,
    options: ResultOptions & { readonly signal?: AbortSignal | undefined },
  ) {
    const types = result.columnTypes();
    this.columns = result
      .deduplicatedColumnNames()
      .map((name, i) => ({ name, type: types[i]?.alias ?? types[i]?.toString() ?? "UNKNOWN" }));
    this.rowCount = result.rowCount;
    this.#result = result;
    this.#connection = connection;
    this.#options = options;
  }

  async *batches(): AsyncGenerator<Row[]> {
    const template: Row = Object.fromEntries(this.columns.map(({ name }) => [name, null]));
    try {
      let turnStarted = performance.now();
      for (let i = 0; i < this.#result.chunkCount; i++) {
        if (this.#options.signal?.aborted === true) throw aborted();
        const chunk = this.#result.getChunk(i);
        const rows: Row[] = Array.from({ length: chunk.rowCount }, () => ({ ...template }));
        for (const [c, { name }] of this.columns.entries()) {
          const values = chunk.getColumnValues(c);
          for (const [r, row] of rows.entries()) {
            const value = resultValue(values[r] ?? null, this.#options);
            if (name === "__proto__") Object.defineProperty(row, name, { value, enumerable: true });
            else row[name] = value;
          }
          if (performance.now() - turnStarted > MAX_BLOCK_MS) {
            await nextTurn();
            turnStarted = performance.now();
          }
        }
        yield rows;
      }
    } finally {
      this.close();
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#connection.closeSync();
  }
}

function aborted(): StorageError {
  return new StorageError({ code: "aborted", op: "sql", message: "sql: interrupted." });
}
