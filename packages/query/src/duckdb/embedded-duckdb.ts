import { rm } from "node:fs/promises";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { isStorageError, type ObjectAccess, StorageError } from "@parquetry/core";
import { quoteText } from "../statement/quote.ts";
import type {
  CallOptions,
  CandidateTable,
  DuckDb,
  DuckDbResult,
  FileGroup,
  MergeOptions,
  PreparedQuery,
  PruneResult,
  QueryParameters,
  ResultFile,
  RunOptions,
  ScanFile,
  ScanTable,
} from "./duckdb.ts";
import { duckDbError } from "./duckdb-error.ts";
import { FileSchemas } from "./file-schemas.ts";
import { findBrokenFile } from "./find-broken-file.ts";
import { loadHttpfs, StoreSecret } from "./httpfs.ts";
import { interruptible } from "./interruptible.ts";
import { mergeFiles } from "./merge-files.ts";
import { prepareQuery } from "./prepare-statement.ts";
import { PLANNING_DISABLED_OPTIMIZERS, Pruner } from "./pruning/pruner.ts";
import { EmbeddedResult } from "./results/embedded-result.ts";
import { createViews } from "./views/create-views.ts";
import { Scratch } from "./views/scratch.ts";
import { scanView } from "./views/table-view.ts";
import { withKeys } from "./with-keys.ts";

const RESULT_VIEW = "parquetry_result";
const PROBE_VIEW = "parquetry_probe";

/** Options of {@link openEmbeddedDuckDb}. */
export interface DuckDbOptions {
  /** Directories that hold the files: absolute, without links. */
  readonly roots: readonly string[];
  /** True lets SQL do whatever DuckDB can. */
  readonly trusted: boolean;
  /** Lets it read objects below a URL: the extension's file, or what `INSTALL httpfs` has left. */
  readonly httpfs?: { readonly extension: string | undefined; readonly scope: string } | undefined;
  /** An empty directory for temporary files. Default: a new one of the system's. */
  readonly scratchDirectory?: string | undefined;
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
export async function openEmbeddedDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  const { trusted } = options;
  const scratch = await Scratch.create(options.roots, options.scratchDirectory);
  const open = async (
    disabledOptimizers: string,
    threads: number | undefined,
    httpfs?: DuckDbOptions["httpfs"],
  ): Promise<DuckDBInstance> => {
    const instance = await DuckDBInstance.create(":memory:", {
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      allow_community_extensions: "false",
      allow_unredacted_secrets: "false",
      ...(threads === undefined ? {} : { threads: String(threads) }),
      ...(options.memoryLimit === undefined ? {} : { memory_limit: options.memoryLimit }),
    });
    if (httpfs !== undefined) await loadHttpfs(instance, httpfs.extension);
    const roots = httpfs === undefined ? options.roots : [...options.roots, httpfs.scope];
    const readsStore = httpfs !== undefined;
    await configure(instance, scratch, roots, disabledOptimizers, { trusted, readsStore });
    return instance;
  };
  const planner = await open(PLANNING_DISABLED_OPTIMIZERS, 1);
  // Wrong results in 1.5.5 and 1.5.6: a join filter pushed below ORDER BY and LIMIT (duckdb issue 22924).
  const executor = await open("join_filter_pushdown", options.threads, options.httpfs);
  return new EmbeddedDuckDb(planner, executor, scratch, trusted);
}

async function configure(
  instance: DuckDBInstance,
  scratch: Scratch,
  roots: readonly string[],
  disabledOptimizers: string,
  { trusted, readsStore }: { readonly trusted: boolean; readonly readsStore: boolean },
): Promise<void> {
  const connection = await instance.connect();
  try {
    const allowed = [scratch.path, ...roots].map((path) => quoteText(path.endsWith("/") ? path : `${path}/`));
    const settings = [
      `SET GLOBAL disabled_optimizers = '${disabledOptimizers}'`,
      "SET GLOBAL TimeZone = 'UTC'",
      "SET GLOBAL parquet_metadata_cache = true",
      // Files on this machine are in the system's cache already.
      `SET GLOBAL enable_external_file_cache = ${readsStore}`,
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

class EmbeddedDuckDb implements DuckDb {
  readonly #planner: DuckDBInstance;
  readonly #executor: DuckDBInstance;
  readonly #scratch: Scratch;
  readonly #trusted: boolean;
  readonly #pruner: Pruner;
  readonly #schemas: FileSchemas;
  readonly #secret: StoreSecret;
  #resultFiles = 0;

  constructor(planner: DuckDBInstance, executor: DuckDBInstance, scratch: Scratch, trusted: boolean) {
    this.#planner = planner;
    this.#executor = executor;
    this.#scratch = scratch;
    this.#trusted = trusted;
    this.#pruner = new Pruner(planner, scratch);
    this.#schemas = new FileSchemas(executor, scratch);
    this.#secret = new StoreSecret(executor);
  }

  async grant(access: ObjectAccess): Promise<void> {
    await this.#secret.set(access);
  }

  async prepare(
    sql: string,
    parameters: QueryParameters | undefined,
    options: CallOptions = {},
  ): Promise<PreparedQuery> {
    const connection = await this.#planner.connect();
    try {
      return await interruptible(connection, options, () =>
        prepareQuery(connection, sql, parameters, this.#trusted),
      );
    } finally {
      connection.closeSync();
    }
  }

  prune(
    query: PreparedQuery,
    tables: readonly CandidateTable[],
    options: CallOptions = {},
  ): Promise<PruneResult> {
    return this.#pruner.prune(query, tables, options);
  }

  groupFiles(files: readonly ScanFile[]): Promise<readonly FileGroup[]> {
    return this.#schemas.group(files);
  }

  isAllNull(group: FileGroup, column: string): Promise<boolean> {
    return this.#schemas.isAllNull(group, column);
  }

  async run(query: PreparedQuery, tables: readonly ScanTable[], options: RunOptions): Promise<DuckDbResult> {
    const limit = options.maxRows;
    let names: readonly string[] | undefined;
    const connection = await this.#connect(tables, async (planning) => {
      if (limit === undefined || !query.isSelect) return;
      names = await columnNames(planning, query.text);
      await createResultView(planning, query);
    });
    try {
      const text = names === undefined ? query.text : `FROM ${RESULT_VIEW} LIMIT ${(limit ?? 0) + 1}`;
      const result = await interruptible(connection, options, () => connection.run(text));
      return new EmbeddedResult(result, connection, options, names);
    } catch (error) {
      connection.closeSync();
      throw await this.#explained(error, tables, options);
    }
  }

  async runToParquet(
    query: PreparedQuery,
    tables: readonly ScanTable[],
    options: RunOptions,
  ): Promise<ResultFile> {
    const connection = await this.#connect(tables, (planning) => createResultView(planning, query));
    const path = `${this.#scratch.path}/result-${++this.#resultFiles}.parquet`;
    const limit = options.maxRows === undefined ? "" : ` LIMIT ${options.maxRows + 1}`;
    try {
      const copy = `COPY (FROM ${RESULT_VIEW}${limit}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`;
      const result = await interruptible(connection, options, () => connection.run(copy));
      return { path, rowCount: result.rowsChanged };
    } catch (error) {
      throw await this.#explained(error, tables, options);
    } finally {
      connection.closeSync();
    }
  }

  async merge(table: ScanTable, options: MergeOptions): Promise<ResultFile> {
    const connection = await this.#connect([table], async () => {});
    const path = `${this.#scratch.path}/result-${++this.#resultFiles}.parquet`;
    try {
      return await interruptible(connection, options, () => mergeFiles(connection, table, path, options));
    } catch (error) {
      await rm(path, { force: true });
      throw await this.#explained(error, [table], options);
    } finally {
      connection.closeSync();
    }
  }

  async close(): Promise<void> {
    this.#planner.closeSync();
    this.#executor.closeSync();
    await this.#scratch.dispose();
  }

  /** @param plan runs while each table lists one file only, where binding SQL is cheap. */
  async #connect(
    tables: readonly ScanTable[],
    plan: (connection: DuckDBConnection) => Promise<void>,
  ): Promise<DuckDBConnection> {
    const connection = await this.#executor.connect();
    try {
      await createViews(
        connection,
        await Promise.all(tables.map((table, i) => scanView(table, this.#scratch, i))),
        plan,
      );
      return connection;
    } catch (error) {
      connection.closeSync();
      throw await this.#explained(error, tables, {});
    }
  }

  /** The failure of a query. DuckDB does not always say which file is broken. */
  async #explained(
    error: unknown,
    tables: readonly ScanTable[],
    options: CallOptions,
  ): Promise<StorageError> {
    const failure = this.#failure(error, tables);
    const files = tables.flatMap(({ groups }) => groups.flatMap((group) => group.files));
    if (failure.code !== "corrupt" || files.some(({ key }) => failure.message.includes(key))) return failure;
    for (const table of tables) {
      const own = table.groups.flatMap((group) => group.files);
      const broken = await findBrokenFile(own, (some) => this.#isBroken(table, new Set(some), options));
      if (broken === undefined) continue;
      const { key } = broken;
      const message = `${failure.message}\nThe file is ${key}: restore it from its source, or leave its partition out.`;
      return new StorageError({ code: "corrupt", op: "sql", path: key, retry: "never", message });
    }
    return failure;
  }

  async #isBroken(table: ScanTable, files: ReadonlySet<ScanFile>, options: CallOptions): Promise<boolean> {
    const groups = table.groups.map((group) => ({
      ...group,
      files: group.files.filter((file) => files.has(file)),
    }));
    const connection = await this.#executor.connect();
    try {
      await createViews(connection, [
        await scanView({ ...table, names: [PROBE_VIEW], groups }, this.#scratch, 0),
      ]);
      const read = `SELECT sum(hash(file_row)::HUGEINT) FROM ${PROBE_VIEW} file_row`;
      await interruptible(connection, options, () => connection.run(read));
      return false;
    } catch (error) {
      if (isStorageError(error, "aborted")) throw error;
      return true;
    } finally {
      connection.closeSync();
    }
  }

  #failure(error: unknown, tables: readonly ScanTable[]): StorageError {
    const files = tables.flatMap(({ groups }) => groups.flatMap((group) => group.files));
    return duckDbError(error, "sql", (text) =>
      this.#secret.redact(withKeys(this.#scratch.readable(text), files)),
    );
  }
}

/** A view takes whatever follows the SELECT: a semicolon, a comment. */
async function createResultView(connection: DuckDBConnection, query: PreparedQuery): Promise<void> {
  await connection.run(`CREATE TEMP VIEW ${RESULT_VIEW} AS ${query.text}`);
}

/** A view would have names of its own for those that come twice. */
async function columnNames(connection: DuckDBConnection, sql: string): Promise<readonly string[]> {
  const statement = await connection.prepare(sql);
  try {
    return Array.from({ length: statement.columnCount }, (_, i) => statement.columnName(i));
  } finally {
    statement.destroySync();
  }
}
