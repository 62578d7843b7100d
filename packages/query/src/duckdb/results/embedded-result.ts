import { setImmediate as nextTurn } from "node:timers/promises";
import type { DuckDBConnection, DuckDBMaterializedResult } from "@duckdb/node-api";
import { StorageError } from "@parquetry/core";
import type { CallOptions, ColumnBatch, DuckDbResult, ResultOptions } from "../duckdb.ts";
import { interrupted } from "../interruptible.ts";
import type { QueryColumn } from "../views/scan-table.ts";
import { resultValue } from "./result-values.ts";

/** The event loop runs at least this often while values are converted, so that a signal can fire. */
const MAX_BLOCK_MS = 15;
/** The clock is read after this many values: a value may be a long list. */
const VALUES_PER_LOOK = 16;

/**
 * A finished result of DuckDB, converted chunk by chunk as it is read. The driver's `stream()` is avoided: it ends early without
 * an error when the query fails, is interrupted, or meets another query on its connection.
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
    for (const { name, type } of this.columns) checkFields(name, type);
    this.rowCount = result.rowCount;
    this.#result = result;
    this.#connection = connection;
    this.#options = options;
  }

  async *batches(): AsyncGenerator<ColumnBatch> {
    const { signal } = this.#options;
    const throwIfAborted = (): void => {
      if (signal?.aborted === true) throw interrupted();
    };
    try {
      let turnStarted = performance.now();
      let untilLook = VALUES_PER_LOOK;
      for (let i = 0; i < this.#result.chunkCount; i++) {
        throwIfAborted();
        const chunk = this.#result.getChunk(i);
        const { rowCount } = chunk;
        const values: unknown[][] = [];
        for (let c = 0; c < this.columns.length; c++) {
          const vector = chunk.getColumnVector(c);
          const column: unknown[] = [];
          values.push(column);
          for (let row = 0; row < rowCount; row++) {
            column.push(resultValue(vector.getItem(row), this.#options));
            if (--untilLook > 0) continue;
            untilLook = VALUES_PER_LOOK;
            if (performance.now() - turnStarted <= MAX_BLOCK_MS) continue;
            await nextTurn();
            throwIfAborted();
            turnStarted = performance.now();
          }
        }
        yield { rowCount, values };
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

/** The driver makes plain objects of structs, and an assignment to `__proto__` is lost. */
function checkFields(column: string, type: string): void {
  if (!/\bSTRUCT\(.*\b__proto__\b/s.test(type)) return;
  throw new StorageError({
    code: "not_supported",
    op: "sql",
    retry: "never",
    message: `sql: the column ${JSON.stringify(column)} has a field __proto__, which JavaScript objects cannot be given safely. Select the fields of it that you need: ${column}."__proto__" AS other_name.`,
  });
}

/** Numbers the second and later columns of one name, as the driver does: `a`, `a:1`. */
function uniqueNames(names: readonly string[]): readonly string[] {
  const used = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let i = 1; used.has(unique); i++) unique = `${name}:${i}`;
    used.add(unique);
    return unique;
  });
}
