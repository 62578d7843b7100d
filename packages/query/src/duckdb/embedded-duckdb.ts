import { rm } from "node:fs/promises";
import { type DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { isStorageError, type StorageError } from "@parquetry/core";
import type { ObjectAccess } from "@parquetry/core/unstable";
import type { ScanFile } from "../files/scan-file.ts";
import type { QueryParameters } from "../statement/query-parameters.ts";
import { quoteText } from "../statement/quote.ts";
import type { Statement } from "../statement/statement.ts";
import { Database, retryInvalidated } from "./database.ts";
import type {
  CallOptions,
  DuckDb,
  DuckDbOptions,
  DuckDbResult,
  MergeOptions,
  PruneResult,
  ResultFile,
  RunOptions,
} from "./duckdb.ts";
import { failureOfFiles } from "./failure-of-files.ts";
import { FileSchemas } from "./file-schemas.ts";
import { loadHttpfs, StoreSecret } from "./httpfs.ts";
import { JoinedTables } from "./joined/joined-tables.ts";
import { mergeFiles, readNote } from "./merge-files.ts";
import { prepareStatement } from "./prepare-statement.ts";
import { PLANNING_DISABLED_OPTIMIZERS, Pruner } from "./pruning/pruner.ts";
import { EmbeddedResult } from "./results/embedded-result.ts";
import { keepByteOrderMarks } from "./results/keep-byte-order-marks.ts";
import { createViews } from "./views/create-views.ts";
import type { CandidateTable, FileGroup, ScanTable } from "./views/scan-table.ts";
import { namesOfKeys, Scratch } from "./views/scratch.ts";
import { scanView } from "./views/table-view.ts";
import { withConnection } from "./with-connection.ts";

const RESULT_VIEW = "parquetry_result";
const PROBE_VIEW = "parquetry_probe";

/**
 * Opens DuckDB in this process: two databases in memory. One plans over zero-row files, with the optimisers switched off that
 * these would mislead; the other executes. Both are locked to the roots and a private directory before they run any SQL of the
 * caller.
 */
export async function openEmbeddedDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  keepByteOrderMarks();
  const { trusted } = options;
  const scratch = await Scratch.create(options.roots, options.scratchDirectory);
  const secret = new StoreSecret();
  const open = async (
    spill: string,
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
    const directories = [scratch.path, ...roots];
    await configure(instance, {
      directories,
      spill: `${scratch.path}/${spill}`,
      disabledOptimizers,
      trusted,
      readsStore,
    });
    if (readsStore) await withConnection(instance, (connection) => secret.restore(connection));
    return instance;
  };
  const planner = await Database.create((generation) =>
    open(`planner-spill-${generation}`, PLANNING_DISABLED_OPTIMIZERS, 1),
  );
  // Wrong results in 1.5.5 and 1.5.6: a join filter pushed below ORDER BY and LIMIT (duckdb issue 22924).
  const executor = await Database.create((generation) =>
    open(`spill-${generation}`, "join_filter_pushdown", options.threads, options.httpfs),
  );
  return new EmbeddedDuckDb(planner, executor, scratch, secret, trusted);
}

interface Configuration {
  readonly directories: readonly string[];
  /** A directory of this database alone for temporary data. */
  readonly spill: string;
  readonly disabledOptimizers: string;
  readonly trusted: boolean;
  readonly readsStore: boolean;
}

async function configure(
  instance: DuckDBInstance,
  { directories, spill, disabledOptimizers, trusted, readsStore }: Configuration,
): Promise<void> {
  const allowed = directories.map((path) => quoteText(path.endsWith("/") ? path : `${path}/`));
  const settings = [
    "SET GLOBAL errors_as_json = true",
    `SET GLOBAL disabled_optimizers = '${disabledOptimizers}'`,
    "SET GLOBAL TimeZone = 'UTC'",
    "SET GLOBAL parquet_metadata_cache = true",
    // The system already caches files on this machine.
    `SET GLOBAL enable_external_file_cache = ${readsStore}`,
    `SET GLOBAL temp_directory = ${quoteText(spill)}`,
    ...(trusted
      ? []
      : [
          `SET GLOBAL allowed_directories = [${allowed.join(", ")}]`,
          "SET GLOBAL enable_external_access = false",
          "SET GLOBAL lock_configuration = true",
        ]),
  ];
  await withConnection(instance, async (connection) => {
    for (const setting of settings) await connection.run(setting);
  });
}

class EmbeddedDuckDb implements DuckDb {
  readonly #planner: Database;
  readonly #executor: Database;
  readonly #scratch: Scratch;
  readonly #trusted: boolean;
  readonly #pruner: Pruner;
  readonly #schemas: FileSchemas;
  readonly #secret: StoreSecret;
  readonly #joined: JoinedTables;
  #resultFiles = 0;

  constructor(
    planner: Database,
    executor: Database,
    scratch: Scratch,
    secret: StoreSecret,
    trusted: boolean,
  ) {
    this.#planner = planner;
    this.#executor = executor;
    this.#scratch = scratch;
    this.#trusted = trusted;
    this.#pruner = new Pruner(planner, scratch);
    this.#schemas = new FileSchemas(executor, scratch);
    this.#secret = secret;
    this.#joined = new JoinedTables(scratch);
  }

  async grant(access: ObjectAccess): Promise<void> {
    await this.#secret.set(this.#executor, access);
  }

  async prepare(
    sql: string,
    parameters: QueryParameters | undefined,
    options: CallOptions = {},
  ): Promise<Statement> {
    return this.#planner.withConnection(
      (connection) => prepareStatement(connection, sql, parameters, this.#trusted),
      options,
    );
  }

  prune(
    statement: Statement,
    tables: readonly CandidateTable[],
    options: CallOptions = {},
  ): Promise<PruneResult> {
    return this.#pruner.prune(statement, tables, options);
  }

  groupFiles(files: readonly ScanFile[], options: CallOptions): Promise<readonly FileGroup[]> {
    return this.#schemas.group(files, options);
  }

  isAllNull(group: FileGroup, column: string, options: CallOptions): Promise<boolean> {
    return this.#schemas.isAllNull(group, column, options);
  }

  run(statement: Statement, tables: readonly ScanTable[], options: RunOptions): Promise<DuckDbResult> {
    return this.#joined.during(tables, eitherSignal(options), (some) =>
      retryInvalidated(() => this.#run(statement, some, options)),
    );
  }

  async #run(statement: Statement, tables: readonly ScanTable[], options: RunOptions): Promise<DuckDbResult> {
    const { maxRows } = options;
    const isLimited = maxRows !== undefined && statement.isSelect;
    let names: readonly string[] | undefined;
    const connection = await this.#executor.connect();
    try {
      const result = await this.#executor.interruptible(connection, eitherSignal(options), async () => {
        await this.#createViews(connection, tables, options, statement.text, async () => {
          if (!isLimited) return;
          names = await columnNames(connection, statement.text);
          await createResultView(connection, statement);
        });
        return connection.run(isLimited ? `FROM ${RESULT_VIEW} LIMIT ${maxRows + 1}` : statement.text);
      });
      return new EmbeddedResult(result, connection, options, names);
    } catch (error) {
      connection.closeSync();
      throw await this.#failure(error, tables, options, isLimited ? undefined : statement.text);
    }
  }

  async runToParquet(
    statement: Statement,
    tables: readonly ScanTable[],
    options: RunOptions,
  ): Promise<ResultFile> {
    const limit = options.maxRows === undefined ? "" : ` LIMIT ${options.maxRows + 1}`;
    const write = async (connection: DuckDBConnection, path: string): Promise<number> => {
      const copy = `COPY (FROM ${RESULT_VIEW}${limit}) TO ${quoteText(path)} (FORMAT parquet, COMPRESSION zstd)`;
      return (await connection.run(copy)).rowsChanged;
    };
    return this.#joined.during(tables, eitherSignal(options), (some) =>
      retryInvalidated(() => this.#write(some, eitherSignal(options), write, statement)),
    );
  }

  async merge(table: ScanTable, options: MergeOptions): Promise<ResultFile> {
    return retryInvalidated(() =>
      this.#write([table], options, (connection, path) => mergeFiles(connection, table, path, options)),
    );
  }

  readNote({ path, footerPath = path }: ScanFile, options: CallOptions): Promise<string | undefined> {
    return this.#executor.withConnection((connection) => readNote(connection, footerPath), options);
  }

  async close(): Promise<void> {
    await this.#planner.close();
    await this.#executor.close();
  }

  /** Runs something that writes a file and returns its number of rows. */
  async #write(
    tables: readonly ScanTable[],
    options: CallOptions,
    write: (connection: DuckDBConnection, path: string) => Promise<number>,
    statement?: Statement,
  ): Promise<ResultFile> {
    const connection = await this.#executor.connect();
    const path = `${this.#scratch.path}/result-${++this.#resultFiles}.parquet`;
    try {
      const rowCount = await this.#executor.interruptible(connection, options, async () => {
        await this.#createViews(connection, tables, options, statement?.text, async () => {
          if (statement === undefined) return;
          await columnNames(connection, statement.text);
          await createResultView(connection, statement);
        });
        return write(connection, path);
      });
      return { path, rowCount };
    } catch (error) {
      await rm(path, { force: true });
      throw await this.#failure(error, tables, options);
    } finally {
      connection.closeSync();
    }
  }

  /** @param plan binds `sql`, while each table lists one file only, where that is cheap. */
  async #createViews(
    connection: DuckDBConnection,
    tables: readonly ScanTable[],
    options: CallOptions,
    sql: string | undefined,
    plan: () => Promise<void>,
  ): Promise<void> {
    try {
      const views = await Promise.all(tables.map((table, i) => scanView(table, this.#scratch, i, sql)));
      await createViews(connection, views, async () => {
        try {
          await plan();
        } catch (error) {
          throw await this.#failure(error, tables, options, sql);
        }
      });
    } catch (error) {
      throw await this.#failure(error, tables, options);
    }
  }

  /** @param sql the query, where the places in the error are places in it. */
  async #failure(
    error: unknown,
    tables: readonly ScanTable[],
    options: CallOptions,
    sql?: string,
  ): Promise<StorageError> {
    this.#executor.suspect();
    const keys = tables.map((table) => table.keys.map(({ name }) => name));
    return failureOfFiles(error, {
      sql,
      files: tables.flatMap(({ groups }) => groups.flatMap(({ files }) => files)),
      readable: (message) => this.#secret.redact(namesOfKeys(this.#scratch.readable(message), keys)),
      fails: async (suspects) => {
        const files = new Set(suspects);
        for (const table of tables) if (await this.#isBroken(table, files, options)) return true;
        return false;
      },
      lacks: (file) => this.#schemas.lacks(file, options),
    });
  }

  async #isBroken(table: ScanTable, files: ReadonlySet<ScanFile>, options: CallOptions): Promise<boolean> {
    const groups = table.groups.map((group) => ({
      ...group,
      files: group.files.filter((file) => files.has(file)),
    }));
    if (groups.every((group) => group.files.length === 0)) return false;
    try {
      await this.#executor.withConnection(async (connection) => {
        const view = await scanView({ ...table, names: [PROBE_VIEW], groups }, this.#scratch, 0);
        await createViews(connection, [view]);
        await connection.run(`SELECT sum(hash(file_row)::HUGEINT) FROM ${PROBE_VIEW} file_row`);
      }, options);
      return false;
    } catch (error) {
      if (isStorageError(error, "aborted")) throw error;
      return true;
    }
  }
}

function eitherSignal({ signal, outdated }: RunOptions): CallOptions {
  if (signal === undefined || outdated === undefined) return { signal: signal ?? outdated };
  return { signal: AbortSignal.any([signal, outdated]) };
}

/** A view, unlike a subquery, accepts whatever follows the SELECT: a semicolon, a comment. */
async function createResultView(connection: DuckDBConnection, { text }: Statement): Promise<void> {
  await connection.run(`CREATE TEMP VIEW ${RESULT_VIEW} AS ${text}`);
}

/** The names of the result's columns: a view renames those that occur twice. Binds the SQL, so it fails where the SQL is wrong. */
async function columnNames(connection: DuckDBConnection, sql: string): Promise<readonly string[]> {
  const statement = await connection.prepare(sql);
  try {
    return Array.from({ length: statement.columnCount }, (_, i) => statement.columnName(i));
  } finally {
    statement.destroySync();
  }
}
