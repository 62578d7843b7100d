import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { StorageError } from "@parquetry/core";
import type {
  CandidateTable,
  Engine,
  EngineResult,
  FileGroup,
  LocalFile,
  PreparedQuery,
  PruneResult,
  QueryParameters,
  ResultFile,
  RunOptions,
  ScanTable,
} from "../engine.ts";
import { createViews } from "./create-views.ts";
import { duckDbError } from "./duckdb-error.ts";
import { DuckDbResult } from "./duckdb-result.ts";
import { FileSchemas } from "./file-schemas.ts";
import { prepareQuery } from "./prepare-query.ts";
import { PLANNING_DISABLED_OPTIMIZERS, Pruner } from "./pruner.ts";
import { quoteText } from "./quote.ts";
import { Scratch } from "./scratch.ts";
import { scanView } from "./table-view.ts";
import { withKeys } from "./with-keys.ts";

/** How often an interrupt is repeated until the query has stopped: one that comes too early is forgotten. */
const INTERRUPT_EVERY_MS = 20;

/** Options of {@link createDuckDbEngine}. */
export interface DuckDbEngineOptions {
  /** Directories that hold the files: absolute, without links. */
  readonly roots: readonly string[];
  /** True lets SQL do whatever DuckDB can. */
  readonly trusted: boolean;
  /** Such as `4GB`. Default: DuckDB's, 80 % of the memory. */
  readonly memoryLimit?: string | undefined;
  /** Default: one a core. */
  readonly threads?: number | undefined;
}

/**
 * The embedded engine. Two databases in memory: one plans over zero-row files with the optimisers that would be misled
 * switched off, the other executes. Both are locked to the roots and a private directory before any SQL of the caller
 * reaches them.
 */
export async function createDuckDbEngine(options: DuckDbEngineOptions): Promise<Engine> {
  const { trusted } = options;
  const scratch = await Scratch.create(options.roots);
  const open = async (disabledOptimizers: string, threads: number | undefined): Promise<DuckDBInstance> => {
    const instance = await DuckDBInstance.create(":memory:", {
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      allow_community_extensions: "false",
      ...(threads === undefined ? {} : { threads: String(threads) }),
      ...(options.memoryLimit === undefined ? {} : { memory_limit: options.memoryLimit }),
    });
    await configure(instance, scratch, options.roots, disabledOptimizers, trusted);
    return instance;
  };
  const planner = await open(PLANNING_DISABLED_OPTIMIZERS, 1);
  // Wrong results in 1.5.5 and 1.5.6: a join filter pushed below ORDER BY and LIMIT (duckdb issue 22924).
  const executor = await open("join_filter_pushdown", options.threads);
  return new DuckDbEngine(planner, executor, scratch, trusted);
}

async function configure(
  instance: DuckDBInstance,
  scratch: Scratch,
  roots: readonly string[],
  disabledOptimizers: string,
  trusted: boolean,
): Promise<void> {
  const connection = await instance.connect();
  try {
    const allowed = [scratch.path, ...roots].map((path) => quoteText(path.endsWith("/") ? path : `${path}/`));
    const settings = [
      `SET GLOBAL disabled_optimizers = '${disabledOptimizers}'`,
      "SET GLOBAL TimeZone = 'UTC'",
      "SET GLOBAL parquet_metadata_cache = true",
      `SET GLOBAL temp_directory = ${quoteText(`${scratch.path}/spill`)}`,
      ...(trusted
        ? []
        : [
            `SET GLOBAL allowed_directories = [${allowed.join(", ")}]`,
            "SET GLOBAL enable_external_access = false",
            "SET GLOBAL lock_configuration = true",
          ]),
    ];
    for (const setting of settings) await connection.run(setting);
  } finally {
    connection.closeSync();
  }
}

class DuckDbEngine implements Engine {
  readonly name = "duckdb";
  readonly #planner: DuckDBInstance;
  readonly #executor: DuckDBInstance;
  readonly #scratch: Scratch;
  readonly #trusted: boolean;
  readonly #pruner: Pruner;
  readonly #schemas: FileSchemas;
  #resultFiles = 0;

  constructor(planner: DuckDBInstance, executor: DuckDBInstance, scratch: Scratch, trusted: boolean) {
    this.#planner = planner;
    this.#executor = executor;
    this.#scratch = scratch;
    this.#trusted = trusted;
    this.#pruner = new Pruner(planner, scratch);
    this.#schemas = new FileSchemas(executor, scratch);
  }

  async prepare(sql: string, parameters: QueryParameters | undefined): Promise<PreparedQuery> {
    const connection = await this.#planner.connect();
    try {
      return await prepareQuery(connection, sql, parameters, this.#trusted);
    } finally {
      connection.closeSync();
    }
  }

  prune(query: PreparedQuery, tables: readonly CandidateTable[]): Promise<PruneResult> {
    return this.#pruner.prune(query, tables);
  }

  groupFiles(files: readonly LocalFile[]): Promise<readonly FileGroup[]> {
    return this.#schemas.group(files);
  }

  isAllNull(group: FileGroup, column: string): Promise<boolean> {
    return this.#schemas.isAllNull(group, column);
  }

  async run(query: PreparedQuery, tables: readonly ScanTable[], options: RunOptions): Promise<EngineResult> {
    const connection = await this.#connect(tables);
    try {
      const result = await interruptible(connection, options.signal, () => connection.run(query.text));
      return new DuckDbResult(result, connection, options);
    } catch (error) {
      connection.closeSync();
      throw this.#failure(error, tables);
    }
  }

  async runToParquet(
    query: PreparedQuery,
    tables: readonly ScanTable[],
    options: RunOptions,
  ): Promise<ResultFile> {
    const connection = await this.#connect(tables);
    const path = `${this.#scratch.path}/result-${++this.#resultFiles}.parquet`;
    try {
      // A view takes whatever follows the SELECT: a semicolon, a comment.
      await connection.run(`CREATE TEMP VIEW parquetry_result AS ${query.text}`);
      const copy = `COPY (FROM parquetry_result) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`;
      const result = await interruptible(connection, options.signal, () => connection.run(copy));
      return { path, rowCount: result.rowsChanged };
    } catch (error) {
      throw this.#failure(error, tables);
    } finally {
      connection.closeSync();
    }
  }

  async close(): Promise<void> {
    this.#planner.closeSync();
    this.#executor.closeSync();
    await this.#scratch.dispose();
  }

  async #connect(tables: readonly ScanTable[]): Promise<DuckDBConnection> {
    const connection = await this.#executor.connect();
    try {
      await createViews(
        connection,
        tables.map((table, i) => scanView(table, this.#scratch, i)),
      );
      return connection;
    } catch (error) {
      connection.closeSync();
      throw this.#failure(error, tables);
    }
  }

  #failure(error: unknown, tables: readonly ScanTable[]): StorageError {
    const files = tables.flatMap(({ groups }) => groups.flatMap((group) => group.files));
    return duckDbError(error, "sql", (text) => withKeys(this.#scratch.readable(text), files));
  }
}

async function interruptible<T>(
  connection: DuckDBConnection,
  signal: AbortSignal | undefined,
  run: () => Promise<T>,
): Promise<T> {
  if (signal === undefined) return run();
  if (signal.aborted) throw aborted();
  let timer: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    timer = setTimeout(interrupt, INTERRUPT_EVERY_MS);
  };
  signal.addEventListener("abort", interrupt, { once: true });
  try {
    return await run();
  } catch (error) {
    // Read anew: the signal may have fired while the query ran.
    throw (signal as { readonly aborted: boolean }).aborted ? aborted() : error;
  } finally {
    signal.removeEventListener("abort", interrupt);
    clearTimeout(timer);
  }
}

function aborted(): StorageError {
  return new StorageError({
    code: "aborted",
    op: "sql",
    message: "sql: interrupted by the caller's signal.",
  });
}
