import { setImmediate as nextTurn } from "node:timers/promises";
import type { DuckDBConnection, DuckDBMaterializedResult } from "@duckdb/node-api";
import { StorageError } from "@parquetry/core";
import type { CallOptions, ColumnBatch, DuckDbResult, QueryColumn, ResultOptions } from "../duckdb.ts";
import { resultValue } from "./result-values.ts";
import { uniqueNames } from "./unique-names.ts";

/** The event loop gets its turn at least this often while values are converted. */
const MAX_BLOCK_MS = 15;

/**
 * A finished result of DuckDB, converted chunk by chunk as it is read. `stream()` of the driver is avoided: it ends early
 * without an error where the query fails, is interrupted or meets another query on its connection.
 */
export class EmbeddedResult implements DuckDbResult {
  readonly columns: readonly QueryColumn[];
  readonly rowCount: number;
  readonly #result: DuckDBMaterializedResult;
  readonly #connection: DuckDBConnection;
  readonly #options: ResultOptions & CallOptions;
  #closed = false;

  constructor(
    result: DuckDBMaterializedResult,
    connection: DuckDBConnection,
    options: ResultOptions & CallOptions,
    names: readonly string[] = result.columnNames(),
  ) {
    const types = result.columnTypes();
    this.columns = uniqueNames(names).map((name, i) => ({
      name,
      type: types[i]?.alias ?? types[i]?.toString() ?? "UNKNOWN",
    }));
    this.rowCount = result.rowCount;
    this.#result = result;
    this.#connection = connection;
    this.#options = options;
  }

  async *batches(): AsyncGenerator<ColumnBatch> {
    try {
      let turnStarted = performance.now();
      for (let i = 0; i < this.#result.chunkCount; i++) {
        if (this.#options.signal?.aborted === true) throw aborted();
        const chunk = this.#result.getChunk(i);
        const values: unknown[][] = [];
        for (let c = 0; c < this.columns.length; c++) {
          values.push(chunk.getColumnValues(c).map((value) => resultValue(value, this.#options)));
          if (performance.now() - turnStarted > MAX_BLOCK_MS) {
            await nextTurn();
            turnStarted = performance.now();
          }
        }
        yield { rowCount: chunk.rowCount, values };
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
