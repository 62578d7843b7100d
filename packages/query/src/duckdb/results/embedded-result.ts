import type { DuckDBConnection, DuckDBMaterializedResult } from "@duckdb/node-api";
import { StorageError } from "@parquetry/core";
import { yieldIfDue } from "@parquetry/core/unstable";
import type { CallOptions, ColumnBatch, DuckDbResult, ResultOptions } from "../duckdb.ts";
import { interrupted } from "../interruptible.ts";
import type { QueryColumn } from "../views/scan-table.ts";
import { copyChunk, emptyBatch } from "./copy-vectors.ts";
import { decodeBatches } from "./decode-batches.ts";
import type { RawBatch } from "./raw-column.ts";

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

  batches(): AsyncGenerator<ColumnBatch> {
    return decodeBatches(this.rawBatches(), this.#options);
  }

  async *rawBatches(): AsyncGenerator<RawBatch> {
    try {
      const types = this.#result.columnTypes();
      if (this.rowCount === 0) yield emptyBatch(types, this.#options);
      for (let i = 0; i < this.#result.chunkCount; i++) {
        for (const batch of copyChunk(this.#result.getChunk(i), types, this.#options)) {
          await yieldIfDue();
          if (this.#options.signal?.aborted === true) throw interrupted();
          yield batch;
        }
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
