import { rm, stat } from "node:fs/promises";
import { abilitiesOf, checkOptions, type Key, type Row, type Storage, StorageError } from "@parquetry/core";
import { compactEntity } from "../compact/compact-entity.ts";
import type { CompactionReport, CompactOptions } from "../compact/compact-options.ts";
import type { DuckDb, DuckDbResult, QueryColumn, QueryParameters } from "../duckdb/duckdb.ts";
import type { FileSource } from "../files/file-source.ts";
import { type Execution, fetchUntilSatisfied, type Planned } from "../plan/fetch-until-satisfied.ts";
import { explainChoice } from "../plan/plan-summary.ts";
import { isMovingFile, MAX_LOOKS } from "../plan/retry-on-replaced-files.ts";
import { choose, type NamedTable, type PlanContext } from "../plan/scan-plan.ts";
import { Stopwatch } from "../plan/stopwatch.ts";
import type { ColumnsDescription, DescribedColumn } from "../tables/describe-columns.ts";
import { rememberListings } from "../tables/listing-memory.ts";
import { suggestColumn } from "../tables/suggest-column.ts";
import { TableCatalog } from "../tables/table-catalog.ts";
import { withDeadline } from "./deadline.ts";
import { QueryCursor } from "./query-cursor.ts";
import { type OpenQueryOptions, SQL_OPTIONS, type SqlOptions } from "./query-options.ts";
import type { ColumnarResult, QueryExplanation, QueryResult, QueryStats } from "./query-result.ts";
import { checkByteCount, checkRowCount, limitedBatches } from "./result-limit.ts";
import { setField } from "./result-rows.ts";

/** A table as {@link QueryDatabase.describe} tells it. */
export interface TableDescription extends ColumnsDescription {
  /** The entity. */
  readonly entity: string;
  /** Its partition keys and their pinned types, outermost first. */
  readonly keys: readonly QueryColumn[];
  /** Its columns. One whose type is `UNKNOWN` says why: it is NULL throughout, or no type holds its values. */
  readonly columns: readonly DescribedColumn[];
}

/**
 * SQL over the entities of a storage. Made by {@link openQuery}. What it learns of an entity at first use (keys, their
 * types, columns) holds until it is closed or {@link QueryDatabase.refresh} is called; which files there are is looked up
 * by every query.
 */
export class QueryDatabase implements AsyncDisposable {
  readonly #storage: Storage;
  readonly #engine: DuckDb;
  readonly #source: FileSource;
  readonly #options: OpenQueryOptions;
  readonly #catalog: TableCatalog;
  #closed: Promise<void> | undefined;

  constructor(storage: Storage, engine: DuckDb, source: FileSource, options: OpenQueryOptions) {
    this.#storage = storage;
    this.#engine = engine;
    this.#source = source;
    this.#options = options;
    this.#catalog = new TableCatalog({ backend: storage.backend, engine, source, declared: options });
  }

  /**
   * Runs one SELECT and gives all of its rows.
   *
   * @throws StorageError `invalid_argument` for SQL that fails, with the place; `not_found` for an unknown table, naming
   * those there are; `permission_denied` for what locked SQL may not do; `aborted`; `timeout`.
   * @example
   * ```ts
   * const { rows } = await db.sql("SELECT count(*) AS plays FROM \"raw/plays\" WHERE year = ?", [2024]);
   * ```
   */
  async sql(text: string, parameters?: QueryParameters, options: SqlOptions = {}): Promise<QueryResult> {
    const started = performance.now();
    const cursor = await this.open(text, parameters, options);
    const rows: Row[] = [];
    for await (const batch of cursor) for (const row of batch) rows.push(row);
    return {
      rows,
      columns: cursor.columns,
      stats: { ...cursor.stats, totalMs: performance.now() - started },
    };
  }

  /**
   * {@link QueryDatabase.sql} with one array of values for each column instead of one object for each row: a third of the
   * time and of the memory for what is computed on or drawn.
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
    const { result, stats } = await this.#run(text, parameters, options);
    const values = result.columns.map((): unknown[] => []);
    for await (const batch of limitedBatches(result, options)) {
      for (const [c, own] of values.entries()) for (const value of batch.values[c] ?? []) own.push(value);
    }
    const data: Record<string, readonly unknown[]> = {};
    for (const [c, { name }] of result.columns.entries()) setField(data, name, values[c]);
    return { data, columns: result.columns, stats: { ...stats, totalMs: performance.now() - started } };
  }

  /**
   * {@link QueryDatabase.sql} as batches of rows, which are made as the caller takes them.
   *
   * @throws StorageError as {@link QueryDatabase.sql}.
   * @example
   * ```ts
   * for await (const rows of db.stream("SELECT * FROM plays WHERE year = 2024")) await send(rows);
   * ```
   */
  async *stream(text: string, parameters?: QueryParameters, options: SqlOptions = {}): AsyncGenerator<Row[]> {
    yield* await this.open(text, parameters, options);
  }

  /**
   * {@link QueryDatabase.stream} with columns and statistics.
   *
   * @throws StorageError as {@link QueryDatabase.sql}.
   */
  async open(text: string, parameters?: QueryParameters, options: SqlOptions = {}): Promise<QueryCursor> {
    const { result, stats } = await this.#run(text, parameters, options);
    return new QueryCursor(result, stats, options);
  }

  /**
   * Runs one SELECT and leaves its result as a Parquet file that did not go through JavaScript.
   *
   * @returns the path of a temporary file, which is gone when the database is closed, and what it took.
   * @throws StorageError as {@link QueryDatabase.sql}.
   */
  async toParquet(
    text: string,
    parameters?: QueryParameters,
    options: SqlOptions = {},
  ): Promise<{ readonly path: string; readonly stats: QueryStats }> {
    const started = performance.now();
    return withDeadline(options, async (signal) => {
      const { result, planned } = await this.#planned(
        text,
        parameters,
        { ...options, signal },
        {
          run: ({ plan, query }) =>
            this.#engine.runToParquet(query, plan.scans, { maxRows: options.maxRows, signal }),
          discard: ({ path }) => rm(path, { force: true }),
        },
      );
      try {
        checkRowCount(result.rowCount, options);
        checkByteCount((await stat(result.path)).size, options);
      } catch (error) {
        await rm(result.path, { force: true });
        throw error;
      }
      return { path: result.path, stats: statsOf(planned, result.rowCount, started) };
    });
  }

  /**
   * Says what a query would read, without reading it: of every table the partitions kept and total, files, bytes, and the
   * list requests it took to know.
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
    const started = performance.now();
    return withDeadline(options, async (signal) => {
      const context = await this.#context(text, parameters, { ...options, signal });
      const columns = new Map(context.tables.map(({ facts }) => [facts.entity, facts.columns]));
      const choice = await choose(context, columns);
      return explainChoice(choice, context, started);
    });
  }

  /** The entities that are there, which are the tables. */
  async tables(options: Pick<SqlOptions, "signal"> = {}): Promise<readonly string[]> {
    return this.#catalog.list(options.signal);
  }

  /**
   * The keys and columns of a table, as the footers of files say that are spread evenly over it: of a local Parquet table at
   * most 1,000, of any other 32.
   *
   * @throws StorageError `not_found` for an unknown table, naming those there are.
   */
  async describe(table: string, options: Pick<SqlOptions, "signal"> = {}): Promise<TableDescription> {
    await this.#grant();
    const listing = rememberListings(this.#storage.backend);
    const entity = await this.#catalog.resolve(table, options.signal);
    const facts = await this.#catalog.factsOf(entity, listing, options.signal);
    return { entity, keys: facts.keys, ...(await this.#catalog.columnsOf(facts, listing, options.signal)) };
  }

  /**
   * Makes one file of the many files of each partition, atomically: whoever reads meanwhile sees the old files or the new
   * one. With `into`, many small partitions become few larger ones of another entity, and this one stays as it is. Every new
   * file is read back and compared before it counts.
   *
   * @returns what was done; partitions that failed are as they were.
   * @throws StorageError `not_found` for an unknown table; `invalid_argument` for keys or columns that are not there.
   * @example
   * ```ts
   * const { compacted } = await db.compact("raw/plays", { where: { year: 2024 }, sortBy: ["play_id"], dryRun: true });
   * await db.compact("raw/plays", { into: { entity: "raw/plays_by_week", keys: ["year", "week"] } });
   * ```
   */
  async compact(table: string, options: CompactOptions = {}): Promise<CompactionReport> {
    if (this.#closed !== undefined) throw closed();
    const { backend } = this.#storage;
    await this.#grant();
    const entity = await this.#catalog.resolve(table, options.signal);
    const facts = await this.#catalog.factsOf(entity, rememberListings(backend), options.signal);
    const declared = this.#catalog.declaredOf(entity);
    return compactEntity({ backend, engine: this.#engine, source: this.#source, facts, declared }, options);
  }

  /** Forgets what was learnt of the entities: for a database that is open while keys or columns change. */
  refresh(): void {
    this.#catalog.forget();
  }

  /** Frees DuckDB and its temporary files; the storage stays open. */
  close(): Promise<void> {
    this.#closed ??= this.#engine.close();
    return this.#closed;
  }

  /** {@link QueryDatabase.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<{ readonly result: DuckDbResult; readonly stats: QueryStats }> {
    const started = performance.now();
    const { timestamps, maxRows } = options;
    return withDeadline(options, async (signal) => {
      const { result, planned } = await this.#planned(
        text,
        parameters,
        { ...options, signal },
        {
          run: ({ plan, query }) => this.#engine.run(query, plan.scans, { timestamps, maxRows, signal }),
          discard: async (partial) => partial.close(),
        },
      );
      try {
        checkRowCount(result.rowCount, options);
      } catch (error) {
        result.close();
        throw error;
      }
      return { result, stats: statsOf(planned, result.rowCount, started) };
    });
  }

  /** Plans and runs; where files were replaced meanwhile, looks again. */
  async #planned<T extends { readonly rowCount: number }>(
    text: string,
    parameters: QueryParameters | undefined,
    options: Pick<SqlOptions, "maxRows" | "signal" | "onProgress">,
    execution: Execution<T>,
  ): Promise<{ readonly result: T; readonly planned: Planned }> {
    const started = performance.now();
    for (let look = 1; ; look++) {
      const context = await this.#context(text, parameters, options);
      try {
        return await fetchUntilSatisfied(context, options, execution, started);
      } catch (error) {
        if (look < MAX_LOOKS && isMovingFile(error)) continue;
        if (!(error instanceof StorageError)) throw error;
        throw suggestColumn(
          error,
          undefined,
          context.tables.map(({ facts }) => facts),
        );
      }
    }
  }

  /** Credentials may end between two queries. */
  async #grant(): Promise<void> {
    const { directAccess } = abilitiesOf(this.#storage.backend);
    if (this.#options.remote !== "httpfs" || directAccess === undefined) return;
    await this.#engine.grant(await directAccess.access());
  }

  async #context(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<PlanContext> {
    checkOptions(options, SQL_OPTIONS, "sql");
    const { signal, onProgress } = options;
    if (this.#closed !== undefined) throw closed();
    const engine = this.#engine;
    await this.#grant();
    const watch = new Stopwatch();
    const query = await watch.time(() => engine.prepare(text, parameters, { signal }));
    const listing = rememberListings(this.#storage.backend, (listRequests) =>
      onProgress?.({ phase: "planning", listRequests }),
    );
    const names = new Map<Key, string[]>();
    for (const name of query.tableNames) {
      const entity = await (this.#options.trusted === true
        ? this.#catalog.find(name, signal)
        : this.#catalog.resolve(name, signal));
      if (entity !== undefined) names.set(entity, [...(names.get(entity) ?? []), name]);
    }
    const tables = await Promise.all(
      [...names].map(
        async ([entity, called]): Promise<NamedTable> => ({
          names: called,
          facts: await this.#catalog.factsOf(entity, listing, signal),
          declared: this.#catalog.declaredOf(entity),
        }),
      ),
    );
    return {
      engine,
      source: this.#source,
      listing,
      query,
      tables,
      prune: (candidates) => watch.time(() => engine.prune(query, candidates, { signal })),
      pruneMs: () => watch.elapsedMs,
      signal,
      onProgress,
    };
  }
}

function statsOf(planned: Planned, rowCount: number, started: number): QueryStats {
  const { fetchedFiles, fetchedBytes } = planned.count;
  return {
    ...planned.explanation,
    rowCount,
    fetchedFiles,
    fetchedBytes,
    totalMs: performance.now() - started,
  };
}

function closed(): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "sql",
    message: "sql: the database is closed.",
  });
}
