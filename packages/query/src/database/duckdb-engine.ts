import { rm, stat } from "node:fs/promises";
import type { Key, Storage } from "@parquetry/core";
import { abilitiesOf, type ObjectInfo } from "@parquetry/core/backend";
import { traced } from "@parquetry/core/unstable";
import { looksLikeData } from "@parquetry/core/unstable/tables";
import { type CompactContext, compactEntity } from "../compact/compact-entity.ts";
import type { CompactionReport, CompactOptions } from "../compact/compact-options.ts";
import { type Deadline, deadlineOf, resultUntilDeadline, untilDeadline } from "../duckdb/deadline.ts";
import type { DuckDb, DuckDbResult } from "../duckdb/duckdb.ts";
import { retryEndedByAnother } from "../duckdb/isolated/retry-ended-by-another.ts";
import type { FileSource } from "../files/file-source.ts";
import { type Execution, fetchUntilSatisfied, type ReadSummary } from "../plan/fetch-until-satisfied.ts";
import { type NamedTable, type PlanContext, Stopwatch } from "../plan/plan-context.ts";
import { explainPlan, type QueryExplanation } from "../plan/plan-summary.ts";
import { type PlannedFile, plannedFiles } from "../plan/planned-file.ts";
import { retryOnReplacedFiles } from "../plan/retry-on-replaced-files.ts";
import { planScan, type ScanPlan } from "../plan/scan-plan.ts";
import type { QueryParameters } from "../statement/query-parameters.ts";
import type { Statement } from "../statement/statement.ts";
import { rememberListings } from "../tables/listing-memory.ts";
import { RecentListings } from "../tables/recent-listings.ts";
import { TableCatalog } from "../tables/table-catalog.ts";
import type { OpenQueryOptions } from "./query-options.ts";
import type { QueryStats } from "./query-result.ts";
import { checkByteCount, checkRowCount } from "./result-limit.ts";
import type { EngineResult, SqlEngine, TableDescription } from "./sql-engine.ts";
import type { SqlOptions } from "./sql-options.ts";

/** The statements that are remembered, and the longest SQL of one, in characters. */
const MAX_STATEMENTS = 100;
const MAX_TEXT = 10_000;

/** The temporary folders of a database. */
export interface QueryFolders {
  /** The one that contains all others. */
  readonly temporary: string;
  /** The one with links to pinned files. */
  readonly pinned: string;
}

/** The embedded DuckDB as an engine: it plans which partitions a query needs, fetches their files, and runs the query over them. */
export class DuckDbEngine implements SqlEngine {
  readonly #storage: Storage;
  readonly #duckdb: DuckDb;
  readonly #source: FileSource;
  readonly #options: OpenQueryOptions;
  readonly #catalog: TableCatalog;
  /** The tables whose strays were reported. */
  readonly #withStrays = new Set<Key>();
  readonly #folders: QueryFolders;
  readonly #recent = new RecentListings();
  /** By their SQL, the statements of earlier queries. They depend on nothing else. */
  readonly #statements = new Map<string, Statement>();

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

  async open(
    _op: string,
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<EngineResult> {
    const { result, stats } = await this.run(text, parameters, options);
    return {
      columns: result.columns,
      stats: () => stats,
      batches: () => result.batches(),
      close: async () => result.close(),
    };
  }

  /** Runs a query and writes its result to a Parquet file, without converting it to JavaScript. */
  async toParquet(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<{ readonly path: string; readonly stats: QueryStats }> {
    const { result, stats } = await this.#execute(text, parameters, options, ({ statement, signal }) => ({
      run: ({ tables }, outdated) =>
        this.#duckdb.runToParquet(statement, tables, { maxRows: options.maxRows, signal, outdated }),
      discard: ({ path }) => rm(path, { force: true }),
    }));
    try {
      checkRowCount(result.rowCount, options);
      checkByteCount((await stat(result.path)).size, options);
    } catch (error) {
      await rm(result.path, { force: true });
      throw error;
    }
    return { path: result.path, stats };
  }

  async explain(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<QueryExplanation> {
    return this.#plan(text, parameters, options, explainPlan);
  }

  /** Returns the files that a query would read. */
  async files(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<readonly PlannedFile[]> {
    return this.#plan(text, parameters, options, async (plan) => plannedFiles(plan, this.#storage.backend));
  }

  tables(signal: AbortSignal | undefined): Promise<readonly string[]> {
    return untilDeadline(deadlineOf({ signal }), (either) => this.#catalog.list(either));
  }

  async describe(table: string, caller: AbortSignal | undefined): Promise<TableDescription> {
    return untilDeadline(deadlineOf({ signal: caller }), async (signal) => {
      const entity = await this.#catalog.resolve(table, signal);
      return this.#retry(signal, async (source) => {
        await this.#grant();
        const reader = { source, listing: rememberListings(this.#storage.backend), signal };
        const facts = await this.#catalog.factsOf(entity, reader);
        return { entity, keys: facts.keys, ...(await this.#catalog.columnsOf(facts, reader)) };
      });
    });
  }

  /** Merges the files of partitions. */
  async compact(table: string, options: CompactOptions): Promise<CompactionReport> {
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

  refresh(): void {
    this.#catalog.forget();
  }

  async close(): Promise<void> {
    await this.#duckdb.close();
    await rm(this.#folders.temporary, { recursive: true, force: true });
  }

  /** {@link DuckDbEngine.open}, with the rows as DuckDB has them in memory. */
  async run(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
  ): Promise<{ readonly result: DuckDbResult; readonly stats: QueryStats }> {
    const ran = await this.#execute(text, parameters, options, ({ statement, signal }) => ({
      run: ({ tables }, outdated) => {
        const { timestamps, maxRows } = options;
        return this.#duckdb.run(statement, tables, { timestamps, maxRows, signal, outdated });
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

  /** Plans a query without running it, and does something with the plan. */
  #plan<T>(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
    use: (plan: ScanPlan, context: PlanContext) => Promise<T>,
  ): Promise<T> {
    const started = performance.now();
    return untilDeadline(deadlineOf(options), (signal) =>
      this.#planned(text, parameters, { ...options, signal }, started, async (context) => {
        const columns = new Map(context.tables.map(({ facts }) => [facts.entity, facts.columns]));
        return use(await planScan(context, columns), context);
      }),
    );
  }

  /** Plans and runs a query. */
  async #execute<T extends { readonly rowCount: number }>(
    text: string,
    parameters: QueryParameters | undefined,
    options: SqlOptions,
    execution: (context: PlanContext) => Execution<T>,
  ): Promise<{ readonly result: T; readonly stats: QueryStats; readonly deadline: Deadline }> {
    const started = performance.now();
    const deadline = deadlineOf(options);
    const run = (context: PlanContext): Promise<Executed<T>> => {
      const own = execution(context);
      return fetchUntilSatisfied(context, options.maxRows, own).then((done) => ({
        ...done,
        discard: () => own.discard(done.result),
      }));
    };
    return traced(
      "parquetry:query",
      () => ({ sql: text }),
      async () => {
        const { result, summary } = await untilDeadline(
          deadline,
          (signal) => this.#planned(text, parameters, { ...options, signal }, started, run),
          ({ discard }) => discard().catch(() => {}),
        );
        return { result, stats: statsOf(summary, result.rowCount, started), deadline };
      },
      ({ stats }) => stats,
    );
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
    const duckdb = this.#duckdb;
    const watch = new Stopwatch();
    const statement = await retryEndedByAnother(() =>
      watch.time(() => this.#prepare(text, parameters, signal)),
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
      const listing = rememberListings(this.#storage.backend, {
        onRequest: (listRequests) => onProgress?.({ phase: "planning", listRequests }),
        // A query that writers have disturbed looks at the store first.
        recent: source.isPinning ? undefined : this.#recent,
      });
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

  async #prepare(
    text: string,
    parameters: QueryParameters | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Statement> {
    const known = parameters === undefined ? this.#statements.get(text) : undefined;
    if (known !== undefined) return known;
    const statement = await this.#duckdb.prepare(text, parameters, { signal });
    if (parameters === undefined && text.length <= MAX_TEXT) {
      if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
      this.#statements.set(text, statement);
    }
    return statement;
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
