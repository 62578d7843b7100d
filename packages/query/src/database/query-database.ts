import { isStorageError, type Row, StorageError } from "@parquetry/core";
import { checkOptions, invalid } from "@parquetry/core/unstable";
import { COMPACT_OPTIONS, type CompactionReport, type CompactOptions } from "../compact/compact-options.ts";
import type { QueryExplanation } from "../plan/plan-summary.ts";
import type { PlannedFile } from "../plan/planned-file.ts";
import type { QueryParameters } from "../statement/query-parameters.ts";
import { arrowTable } from "./arrow-table.ts";
import { DuckDbEngine } from "./duckdb-engine.ts";
import { QueryCursor } from "./query-cursor.ts";
import { checkSqlArguments, type SqlRowOptions } from "./query-options.ts";
import type { ArrowResult, ColumnarResult, QueryResult, QueryStats } from "./query-result.ts";
import { limitedBatches } from "./result-limit.ts";
import { setField } from "./result-rows.ts";
import type { EngineResult, SqlEngine, TableDescription } from "./sql-engine.ts";
import type { SqlOptions } from "./sql-options.ts";

/** How often a query is run that writers disturb. */
const MAX_RUNS = 8;
/** The longest array that is created whole: V8 stores longer ones as hash tables. Others grow. */
const MAX_LENGTH = 2 ** 24;

/**
 * SQL over the entities of a storage, opened by {@link openQuery}. The keys, types and columns of an entity are read at its first
 * use and kept until {@link QueryDatabase.refresh}. Files are listed again for every query.
 *
 * @example
 * ```ts
 * await using db = await openQuery(storage);
 * await db.tables(); // ["raw/plays"]
 * const { columns, keys } = await db.describe("plays");
 * const { rows } = await db.sql("SELECT team, sum(yards) AS yards FROM plays WHERE year = $1 GROUP BY team", [2024]);
 * ```
 */
export class QueryDatabase implements AsyncDisposable {
  readonly #engine: SqlEngine;
  /** The engine's name, where it is not the embedded DuckDB. */
  readonly #elsewhere: string | undefined;
  #closed: Promise<void> | undefined;

  constructor(engine: SqlEngine, elsewhere?: string) {
    this.#engine = engine;
    this.#elsewhere = elsewhere;
  }

  /**
   * Runs one SELECT and returns all of its rows.
   *
   * @throws StorageError `invalid_argument` for SQL that fails, with the place; `not_found` for an unknown table, naming the
   * existing ones; `permission_denied` for what locked SQL may not do; `aborted`; `timeout`.
   * @example
   * ```ts
   * const { rows } = await db.sql("SELECT count(*) AS plays FROM \"raw/plays\" WHERE year = ?", [2024]);
   * const { rows: checked } = await db.sql("FROM plays", [], { schema: z.object({ year: z.int() }) });
   * ```
   * @typeParam T the type of a row: that of the `schema`. Without one it is taken as it is, unchecked.
   */
  async sql<T = Row>(
    text: string,
    parameters?: QueryParameters,
    options: SqlRowOptions<T> = {},
  ): Promise<QueryResult<T>> {
    const started = performance.now();
    return this.#untilUndisturbed(async () => {
      const cursor = new QueryCursor(await this.#open("sql", text, parameters, options), options);
      const rows: T[] = [];
      for await (const batch of cursor) for (const row of batch) rows.push(row);
      const { columns, stats } = cursor;
      return { rows, columns, stats: { ...stats, totalMs: performance.now() - started } };
    });
  }

  /**
   * {@link QueryDatabase.sql} with one array of values per column instead of one object per row. Takes a third of the time and
   * memory, for data that is computed on or plotted.
   *
   * @throws StorageError as {@link QueryDatabase.sql}.
   * @example
   * ```ts
   * const { data } = await db.columns("SELECT week, sum(yards) AS yards FROM plays GROUP BY week ORDER BY week");
   * plot(data.week, data.yards);
   * ```
   */
  async columns(
    text: string,
    parameters?: QueryParameters,
    options: SqlOptions = {},
  ): Promise<ColumnarResult> {
    const started = performance.now();
    return this.#untilUndisturbed(async () => {
      const result = await this.#open("columns", text, parameters, options);
      // A limit of bytes must hold before there is memory for all rows.
      const length = options.maxBytes === undefined ? Math.min(result.stats().rowCount, MAX_LENGTH) : 0;
      const all = result.columns.map((): unknown[] => new Array(length));
      let start = 0;
      for await (const { rowCount, values } of limitedBatches(result, options)) {
        // Copied at once, so that the values of a batch die young.
        for (const [c, own] of all.entries()) {
          const batch = values[c] ?? [];
          for (let row = 0; row < rowCount; row++) own[start + row] = batch[row];
        }
        start += rowCount;
      }
      const data: Record<string, readonly unknown[]> = {};
      for (const [c, { name }] of result.columns.entries()) setField(data, name, all[c] ?? []);
      const stats = { ...result.stats(), totalMs: performance.now() - started };
      return { data, columns: result.columns, stats };
    });
  }

  /**
   * {@link QueryDatabase.sql} as an Arrow table, without an object or a string for each value. DuckDB only.
   *
   * @throws StorageError as {@link QueryDatabase.sql}; `not_supported` with another engine; `invalid_argument` for a UNION.
   * @example
   * ```ts
   * const { table, toIpc } = await db.arrow("SELECT team, yards FROM plays WHERE year = 2024");
   * table.getChild("yards").toArray(); // Int32Array, if no row is NULL
   * await writeFile("plays.arrow", toIpc()); // pyarrow, pandas, Polars and R read it
   * ```
   */
  async arrow(
    text: string,
    parameters?: QueryParameters,
    options: Omit<SqlOptions, "timestamps"> = {},
  ): Promise<ArrowResult> {
    checkSqlArguments(text, options, "arrow");
    const started = performance.now();
    const { result, stats } = await this.#duckdb("arrow").run(text, parameters, options);
    const arrow = await arrowTable(result, options);
    return { ...arrow, columns: result.columns, stats: { ...stats, totalMs: performance.now() - started } };
  }

  /**
   * {@link QueryDatabase.sql} as batches of rows, which are converted as the caller takes them.
   *
   * @throws StorageError as {@link QueryDatabase.sql}.
   * @example
   * ```ts
   * for await (const rows of db.stream("SELECT * FROM plays WHERE year = 2024")) await send(rows);
   * ```
   */
  async *stream<T = Row>(
    text: string,
    parameters?: QueryParameters,
    options: SqlRowOptions<T> = {},
  ): AsyncGenerator<T[]> {
    yield* new QueryCursor(await this.#open("stream", text, parameters, options), options);
  }

  /**
   * {@link QueryDatabase.stream} with columns and statistics.
   *
   * @throws StorageError as {@link QueryDatabase.sql}.
   */
  async open<T = Row>(
    text: string,
    parameters?: QueryParameters,
    options: SqlRowOptions<T> = {},
  ): Promise<QueryCursor<T>> {
    return new QueryCursor(await this.#open("open", text, parameters, options), options);
  }

  /**
   * Runs one SELECT and writes its result to a Parquet file, without converting it to JavaScript.
   *
   * @returns the path of a temporary file, which is deleted when the database is closed, and statistics.
   * @throws StorageError as {@link QueryDatabase.sql}.
   */
  async toParquet(
    text: string,
    parameters?: QueryParameters,
    options: SqlOptions = {},
  ): Promise<{ readonly path: string; readonly stats: QueryStats }> {
    checkSqlArguments(text, options, "toParquet");
    return this.#duckdb("toParquet").toParquet(text, parameters, options);
  }

  /**
   * Says what a query would read: the partitions kept of each table, files, bytes, and list requests. Reads no data file that the
   * query names; the first query of a table reads one file of its first and one of its last partition, for their columns.
   *
   * @throws StorageError as {@link QueryDatabase.sql}.
   * @example
   * ```ts
   * const { tables } = await db.explain("SELECT * FROM plays WHERE year = 2024 AND week = 5");
   * tables[0]?.levels; // [{ key: "year", kept: 1, total: 12 }, { key: "week", kept: 1, total: 20 }]
   * ```
   */
  async explain(
    text: string,
    parameters?: QueryParameters,
    options: SqlOptions = {},
  ): Promise<QueryExplanation> {
    checkSqlArguments(text, options, "explain");
    this.#checkOpen("explain");
    return this.#engine.explain(text, parameters, options);
  }

  /**
   * Returns the files that a query would read: the committed files of the partitions that it needs. Give them to pandas, Polars, pyarrow
   * or another DuckDB, which then list nothing. A `LIMIT` shortens no list.
   *
   * @throws StorageError as {@link QueryDatabase.sql}; `not_supported` with another engine.
   * @example
   * ```ts
   * const files = await db.files("FROM plays WHERE year = $year", { year: 2024 });
   * console.log(files.map(({ path }) => path)); // ["/data/raw/plays/year=2024/week=1/….parquet", …]
   * ```
   */
  async files(
    text: string,
    parameters?: QueryParameters,
    options: SqlOptions = {},
  ): Promise<readonly PlannedFile[]> {
    checkSqlArguments(text, options, "files");
    return this.#duckdb("files").files(text, parameters, options);
  }

  /** Lists the entities, which are the tables. Folders that cannot be read are left out, and reported to `onUnreadableFolder`. */
  async tables(options: Pick<SqlOptions, "signal"> = {}): Promise<readonly string[]> {
    checkOptions(options, { signal: "signal" }, "tables");
    this.#checkOpen("tables");
    return this.#engine.tables(options.signal);
  }

  /**
   * Returns the keys and columns of a table, from the footers of files that are spread evenly over it: at most 1,000 local Parquet
   * files, or 32 others.
   *
   * @throws StorageError `not_found` for an unknown table, naming the existing ones.
   */
  async describe(table: string, options: Pick<SqlOptions, "signal"> = {}): Promise<TableDescription> {
    checkTable(table, "describe");
    checkOptions(options, { signal: "signal" }, "describe");
    this.#checkOpen("describe");
    return this.#engine.describe(table, options.signal);
  }

  /**
   * Merges the files of each partition into one, atomically: a concurrent reader sees the old files or the new one. With `into`,
   * merges many small partitions into fewer, larger ones of another entity, and leaves this one unchanged. Every new file is read
   * back and compared before it is committed.
   *
   * @returns a report; partitions that failed are unchanged.
   * @throws StorageError `not_found` for an unknown table; `invalid_argument` for unknown keys or columns.
   * @example
   * ```ts
   * const { compacted } = await db.compact("raw/plays", { where: { year: 2024 }, sortBy: ["play_id"], dryRun: true });
   * await db.compact("raw/plays", { into: { entity: "raw/plays_by_week", keys: ["year", "week"] } });
   * ```
   */
  async compact(table: string, options: CompactOptions = {}): Promise<CompactionReport> {
    checkTable(table, "compact");
    checkOptions(options, COMPACT_OPTIONS, "compact");
    return this.#duckdb("compact").compact(table, options);
  }

  /** Forgets what is known about the entities. Call it when keys or columns have changed while the database is open. */
  refresh(): void {
    this.#engine.refresh();
  }

  /** Closes DuckDB and deletes its temporary files. The storage stays open. */
  close(): Promise<void> {
    this.#closed ??= this.#engine.close();
    return this.#closed;
  }

  /** {@link QueryDatabase.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Starts a query. */
  async #open(
    op: string,
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<EngineResult> {
    checkSqlArguments(text, options, op);
    this.#checkOpen("sql");
    return this.#engine.open(op, text, parameters, options);
  }

  /** Runs a query again where writers replaced its partitions while it ran elsewhere. DuckDB reads files that are pinned. */
  async #untilUndisturbed<T>(run: () => Promise<T>): Promise<T> {
    for (let runs = 1; ; runs++) {
      try {
        return await run();
      } catch (error) {
        const isDisturbed = isStorageError(error, "conflict") && error.retry === "safe";
        if (this.#elsewhere === undefined || !isDisturbed || runs === MAX_RUNS) throw error;
      }
    }
  }

  /** The embedded DuckDB, for a call that only it has. */
  #duckdb(op: string): DuckDbEngine {
    this.#checkOpen(op);
    if (this.#engine instanceof DuckDbEngine) return this.#engine;
    throw new StorageError({
      code: "not_supported",
      op,
      message: `${op}: the engine ${this.#elsewhere} does not have this call. Open a second database without engine for it.`,
    });
  }

  #checkOpen(op: string): void {
    if (this.#closed !== undefined) throw invalid(op, "the database is closed");
  }
}

function checkTable(table: string, op: string): void {
  if (typeof table !== "string") throw invalid(op, `the table must be a string, got ${typeof table}`);
}
