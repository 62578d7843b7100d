import { rm, stat } from "node:fs/promises";
import type { Key, Row, Storage } from "@parquetry/core";
import { abilitiesOf, type ObjectInfo } from "@parquetry/core/backend";
import { checkOptions, invalid, yieldIfDue } from "@parquetry/core/unstable";
import { looksLikeData } from "@parquetry/core/unstable/tables";
import { type CompactContext, compactEntity } from "../compact/compact-entity.ts";
import { COMPACT_OPTIONS, type CompactionReport, type CompactOptions } from "../compact/compact-options.ts";
import { type Deadline, deadlineOf, resultUntilDeadline, untilDeadline } from "../duckdb/deadline.ts";
import type { DuckDb, DuckDbResult } from "../duckdb/duckdb.ts";
import { retryEndedByAnother } from "../duckdb/isolated/retry-ended-by-another.ts";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import type { FileSource } from "../files/file-source.ts";
import { type Execution, fetchUntilSatisfied, type ReadSummary } from "../plan/fetch-until-satisfied.ts";
import { type NamedTable, type PlanContext, Stopwatch } from "../plan/plan-context.ts";
import { explainPlan, type QueryExplanation } from "../plan/plan-summary.ts";
import { retryOnReplacedFiles } from "../plan/retry-on-replaced-files.ts";
import { planScan } from "../plan/scan-plan.ts";
import type { QueryParameters } from "../statement/query-parameters.ts";
import type { ColumnsDescription, DescribedColumn } from "../tables/describe-columns.ts";
import { rememberListings } from "../tables/listing-memory.ts";
import { TableCatalog } from "../tables/table-catalog.ts";
import { QueryCursor } from "./query-cursor.ts";
import {
  checkSqlArguments,
  type OpenQueryOptions,
  type SqlOptions,
  type SqlRowOptions,
} from "./query-options.ts";
import type { ColumnarResult, QueryResult, QueryStats } from "./query-result.ts";
import { checkByteCount, checkRowCount, limitedBatches } from "./result-limit.ts";
import { setField } from "./result-rows.ts";

/** A table as {@link QueryDatabase.describe} returns it. */
export interface TableDescription extends ColumnsDescription {
  /** The entity. */
  readonly entity: string;
  /** Its partition keys and their types, outermost first. */
  readonly keys: readonly QueryColumn[];
  /** Its columns. A column of type `UNKNOWN` says why: it is NULL throughout, or no type holds its values. */
  readonly columns: readonly DescribedColumn[];
}

/** The temporary folders of a database. */
export interface QueryFolders {
  /** The one that contains all others. */
  readonly temporary: string;
  /** The one with links to pinned files. */
  readonly pinned: string;
}

/**
 * SQL over the entities of a storage, opened by {@link openQuery}. The keys, types and columns of an entity are read at its first
 * use and kept until {@link QueryDatabase.refresh}. Files are listed again for every query.
 */
export class QueryDatabase implements AsyncDisposable {
  readonly #storage: Storage;
  readonly #duckdb: DuckDb;
  readonly #source: FileSource;
  readonly #options: OpenQueryOptions;
  readonly #catalog: TableCatalog;
  /** The tables whose strays were reported. */
  readonly #withStrays = new Set<Key>();
  readonly #folders: QueryFolders;
  #closed: Promise<void> | undefined;

  constructor(
    storage: Storage,
    duckdb: DuckDb,
    source: FileSource,
    folders: QueryFolders,
    options: OpenQueryOptions,
  ) {
    this.#storage = storage;
    this.#duckdb = duckdb;
    this.#source = source;
    this.#folders = folders;
    this.#options = options;
    this.#catalog = new TableCatalog({
      backend: storage.backend,
      duckdb,
      declared: options,
      onUnreadableFolder: options.onUnreadableFolder,
    });
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
    const { result, stats } = await this.#run("sql", text, parameters, options);
    const cursor = new QueryCursor(result, stats, options);
    const rows: T[] = [];
    for await (const batch of cursor) for (const row of batch) rows.push(row);
    return { rows, columns: cursor.columns, stats: { ...stats, totalMs: performance.now() - started } };
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
    const { result, stats } = await this.#run("columns", text, parameters, options);
    const parts = result.columns.map((): (readonly unknown[])[] => []);
    for await (const batch of limitedBatches(result, options)) {
      for (const [c, own] of parts.entries()) own.push(batch.values[c] ?? []);
    }
    const data: Record<string, readonly unknown[]> = {};
    for (const [c, { name }] of result.columns.entries()) {
      setField(data, name, ([] as unknown[]).concat(...(parts[c] ?? [])));
      await yieldIfDue();
    }
    return { data, columns: result.columns, stats: { ...stats, totalMs: performance.now() - started } };
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
    const { result, stats } = await this.#run("stream", text, parameters, options);
    yield* new QueryCursor(result, stats, options);
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
    const { result, stats } = await this.#run("open", text, parameters, options);
    return new QueryCursor(result, stats, options);
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
    const { result, stats } = await this.#execute(
      "toParquet",
      text,
      parameters,
      options,
      ({ statement, signal }) => ({
        run: ({ tables }) =>
          this.#duckdb.runToParquet(statement, tables, { maxRows: options.maxRows, signal }),
        discard: ({ path }) => rm(path, { force: true }),
      }),
    );
    try {
      checkRowCount(result.rowCount, options);
      checkByteCount((await stat(result.path)).size, options);
    } catch (error) {
      await rm(result.path, { force: true });
      throw error;
    }
    return { path: result.path, stats };
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
    const started = performance.now();
    checkSqlArguments(text, options, "explain");
    return untilDeadline(deadlineOf(options), (signal) =>
      this.#planned(text, parameters, { ...options, signal }, started, async (context) => {
        const columns = new Map(context.tables.map(({ facts }) => [facts.entity, facts.columns]));
        return explainPlan(await planScan(context, columns), context);
      }),
    );
  }

  /** Lists the entities, which are the tables. Folders that cannot be read are left out, and reported to `onUnreadableFolder`. */
  async tables(options: Pick<SqlOptions, "signal"> = {}): Promise<readonly string[]> {
    checkOptions(options, { signal: "signal" }, "tables");
    this.#checkOpen("tables");
    return untilDeadline(deadlineOf(options), (signal) => this.#catalog.list(signal));
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
    return untilDeadline(deadlineOf(options), async (signal) => {
      const entity = await this.#catalog.resolve(table, signal);
      return this.#retry(signal, async (source) => {
        await this.#grant();
        const reader = { source, listing: rememberListings(this.#storage.backend), signal };
        const facts = await this.#catalog.factsOf(entity, reader);
        return { entity, keys: facts.keys, ...(await this.#catalog.columnsOf(facts, reader)) };
      });
    });
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
    this.#checkOpen("compact");
    const { signal } = options;
    const { backend } = this.#storage;
    const facts = await untilDeadline(deadlineOf({ signal }), async () => {
      const entity = await this.#catalog.resolve(table, signal);
      return this.#retry(signal, async (source) => {
        await this.#grant();
        return this.#catalog.factsOf(entity, { source, listing: rememberListings(backend), signal });
      });
    });
    const declared = this.#catalog.declaredOf(facts.entity);
    const lookAgain: CompactContext["lookAgain"] = (run) => this.#retry(signal, run);
    return compactEntity({ backend, duckdb: this.#duckdb, facts, declared, lookAgain }, options);
  }

  /** Forgets what is known about the entities. Call it when keys or columns have changed while the database is open. */
  refresh(): void {
    this.#catalog.forget();
  }

  /** Closes DuckDB and deletes its temporary files. The storage stays open. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /** {@link QueryDatabase.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    await this.#duckdb.close();
    await rm(this.#folders.temporary, { recursive: true, force: true });
  }

  async #run(
    op: string,
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<{ readonly result: DuckDbResult; readonly stats: QueryStats }> {
    const ran = await this.#execute(op, text, parameters, options, ({ statement, signal }) => ({
      run: ({ tables }) => {
        const { timestamps, maxRows } = options;
        return this.#duckdb.run(statement, tables, { timestamps, maxRows, signal });
      },
      discard: async (partial) => partial.close(),
    }));
    try {
      checkRowCount(ran.result.rowCount, options);
    } catch (error) {
      ran.result.close();
      throw error;
    }
    return { result: resultUntilDeadline(ran.result, ran.deadline), stats: ran.stats };
  }

  /** Plans and runs a query. */
  async #execute<T extends { readonly rowCount: number }>(
    op: string,
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
    execution: (context: PlanContext) => Execution<T>,
  ): Promise<{ readonly result: T; readonly stats: QueryStats; readonly deadline: Deadline }> {
    const started = performance.now();
    checkSqlArguments(text, options, op);
    const deadline = deadlineOf(options);
    const run = (context: PlanContext): Promise<Executed<T>> => {
      const own = execution(context);
      return fetchUntilSatisfied(context, options.maxRows, own).then((done) => ({
        ...done,
        discard: () => own.discard(done.result),
      }));
    };
    const { result, summary } = await untilDeadline(
      deadline,
      (signal) => this.#planned(text, parameters, { ...options, signal }, started, run),
      ({ discard }) => discard().catch(() => {}),
    );
    return { result, stats: statsOf(summary, result.rowCount, started), deadline };
  }

  #checkOpen(op: string): void {
    if (this.#closed !== undefined) throw invalid(op, "the database is closed");
  }

  /** Renews the credentials that DuckDB reads the store with: they may expire between two queries. */
  async #grant(): Promise<void> {
    if (this.#options.remote !== "httpfs") return;
    const access = await abilitiesOf(this.#storage.backend).directAccess?.access();
    if (access !== undefined) await this.#duckdb.grant(access);
  }

  /** Runs something over files; again if writers have replaced them, or another query has ended DuckDB's process. */
  #retry<T>(signal: AbortSignal | undefined, run: (source: FileSource) => Promise<T>): Promise<T> {
    return retryEndedByAnother(() => retryOnReplacedFiles(this.#source, this.#folders.pinned, signal, run));
  }

  /** Parses a query, finds its tables, and does something with that. */
  async #planned<T>(
    text: string,
    parameters: QueryParameters | undefined,
    { signal, onProgress }: SqlOptions,
    started: number,
    run: (context: PlanContext) => Promise<T>,
  ): Promise<T> {
    this.#checkOpen("sql");
    const duckdb = this.#duckdb;
    const watch = new Stopwatch();
    const statement = await retryEndedByAnother(() =>
      watch.time(() => duckdb.prepare(text, parameters, { signal })),
    );
    const names = new Map<Key, string[]>();
    for (const name of statement.tableNames) {
      const entity = await (this.#options.trusted === true
        ? this.#catalog.find(name, signal)
        : this.#catalog.resolve(name, signal));
      if (entity !== undefined) names.set(entity, [...(names.get(entity) ?? []), name]);
    }
    const onStrays: PlanContext["onStrays"] = (entity, strays) => this.#tellStrays(entity, strays);
    return this.#retry(signal, async (source) => {
      await this.#grant();
      const listing = rememberListings(this.#storage.backend, (listRequests) =>
        onProgress?.({ phase: "planning", listRequests }),
      );
      const tables = await Promise.all(
        [...names].map(
          async ([entity, called]): Promise<NamedTable> => ({
            names: called,
            facts: await this.#catalog.factsOf(entity, { source, listing, signal }),
            declared: this.#catalog.declaredOf(entity),
          }),
        ),
      );
      return run({
        duckdb,
        source,
        listing,
        statement,
        tables,
        started,
        watch,
        signal,
        onProgress,
        onStrays,
      });
    });
  }

  #tellStrays(entity: Key, strays: readonly ObjectInfo[]): void {
    const { onStrays } = this.#options;
    if (onStrays === undefined || this.#withStrays.has(entity)) return;
    const keys = strays.flatMap(({ key }) =>
      looksLikeData(key.slice(key.lastIndexOf("/") + 1)) ? [key] : [],
    );
    if (keys.length === 0) return;
    this.#withStrays.add(entity);
    onStrays({ entity, keys });
  }
}

/** A result, and how it is freed. */
interface Executed<T> {
  readonly result: T;
  readonly summary: ReadSummary;
  readonly discard: () => Promise<void>;
}

function statsOf(summary: ReadSummary, rowCount: number, started: number): QueryStats {
  return { ...summary, rowCount, totalMs: performance.now() - started };
}

function checkTable(table: string, op: string): void {
  if (typeof table !== "string") throw invalid(op, `the table must be a string, got ${typeof table}`);
}
