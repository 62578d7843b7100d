import type { ObjectAccess } from "@parquetry/core/unstable";
import type { ScanFile } from "../files/scan-file.ts";
import type { QueryParameters } from "../statement/query-parameters.ts";
import type { Statement } from "../statement/statement.ts";
import type { DuckDbProblem } from "./duckdb-error.ts";
import type { RawBatch } from "./results/raw-column.ts";
import type { CandidateTable, FileGroup, QueryColumn, ScanTable } from "./views/scan-table.ts";

/** The result of choosing partitions. */
export type PruneResult =
  | {
      readonly outcome: "pruned";
      /** By entity, for each candidate whether any row in it can matter. */
      readonly kept: ReadonlyMap<string, readonly boolean[]>;
      /** By entity, the partition keys that the query filters by. */
      readonly filterKeys: ReadonlyMap<string, ReadonlySet<string>>;
      /** Entities of which the query needs no row at all, as under `WHERE false`. */
      readonly unused: ReadonlySet<string>;
    }
  /** DuckDB could not tell: every candidate is needed. */
  | { readonly outcome: "unknown"; readonly reason: string }
  /** The query does not fit these tables. */
  | { readonly outcome: "invalid"; readonly problem: DuckDbProblem };

/** How the values of a result become JavaScript. */
export interface ResultOptions {
  /**
   * Default: a timestamp is a Date if that holds it exactly, else an ISO 8601 string in UTC with every digit, as in `readIndex`.
   * `date`: a Date without the digits below the millisecond. `text`: an ISO 8601 string with every digit; without a time zone it has
   * no `Z`. Timestamps beyond what a Date holds are strings in any case.
   */
  readonly timestamps?: "date" | "text" | undefined;
}

/** Some rows of a result, column by column. */
export interface ColumnBatch {
  readonly rowCount: number;
  /** For each column of the result, in order, its values. */
  readonly values: readonly (readonly unknown[])[];
}

/** A result in DuckDB's memory, read batch by batch. */
export interface DuckDbResult {
  readonly columns: readonly QueryColumn[];
  readonly rowCount: number;
  /** Its rows, in batches. Leaving the loop early frees the result. */
  batches(): AsyncGenerator<ColumnBatch>;
  /** Its rows as DuckDB has them in memory; at least one batch, which shows the types. */
  rawBatches(): AsyncGenerator<RawBatch>;
  close(): void;
}

/** Options of every call of {@link DuckDb} that can take long. */
export interface CallOptions {
  /** Interrupts the call, which then fails with `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link DuckDb.run}. */
export interface RunOptions extends ResultOptions, CallOptions {
  /** Interrupts the call because its result is not needed. Unlike `signal`, it never ends the process of other calls. */
  readonly outdated?: AbortSignal | undefined;
  /** A result may stop one row after this many, which shows the caller that there are more. */
  readonly maxRows?: number | undefined;
}

/** Options of {@link DuckDb.merge}. */
export interface MergeOptions extends CallOptions {
  /** Columns to sort by. Default: the order of the files. */
  readonly sortBy?: readonly string[] | undefined;
  /** A text for the footer of the file, which {@link DuckDb.readNote} returns. Default: none. */
  readonly note?: string | undefined;
}

/** A result as a file. */
export interface ResultFile {
  /** Its temporary path. */
  readonly path: string;
  readonly rowCount: number;
}

/** Options of {@link DuckDb}, in this process or in a child process. */
export interface DuckDbOptions {
  /** Directories that contain the files: absolute, without links. */
  readonly roots: readonly string[];
  /** Lets SQL do whatever DuckDB can. */
  readonly trusted: boolean;
  /** Lets DuckDB read objects below a URL, with the extension in a file, or the one that `INSTALL httpfs` installed. */
  readonly httpfs?: { readonly extension: string | undefined; readonly scope: string } | undefined;
  /** An empty directory for temporary files, without links in its path. The caller removes it. */
  readonly scratchDirectory: string;
  /** Such as `4GB`. Default: DuckDB's, 80 % of the memory. */
  readonly memoryLimit?: string | undefined;
  /** Default: one per core. */
  readonly threads?: number | undefined;
}

/**
 * DuckDB as this package uses it, in this process or in a child process. Conditions, types and messages are DuckDB's own, so nothing
 * else can implement this interface.
 */
export interface DuckDb {
  /** Passes the store's current credentials to the httpfs extension. */
  grant(access: ObjectAccess): Promise<void>;
  /**
   * Parses a query and, unless SQL is trusted, refuses everything but one SELECT over tables.
   *
   * @throws StorageError `invalid_argument` for SQL that cannot be parsed, `permission_denied` for SQL that is refused.
   */
  prepare(sql: string, parameters: QueryParameters | undefined, options?: CallOptions): Promise<Statement>;
  /** Chooses the partitions that a query can need, without reading a file. */
  prune(statement: Statement, tables: readonly CandidateTable[], options?: CallOptions): Promise<PruneResult>;
  /**
   * Reads the schemas of files and groups the files by them.
   *
   * @throws StorageError `corrupt` naming a file that cannot be read.
   */
  groupFiles(files: readonly ScanFile[], options: CallOptions): Promise<readonly FileGroup[]>;
  /** True where the footers of the files prove that a column is NULL in every row of the group. */
  isAllNull(group: FileGroup, column: string, options: CallOptions): Promise<boolean>;
  /**
   * Runs a query over tables.
   *
   * @throws StorageError `invalid_argument` for SQL that fails, `aborted`, `not_found` where a file vanished.
   */
  run(statement: Statement, tables: readonly ScanTable[], options: RunOptions): Promise<DuckDbResult>;
  /**
   * Runs a query and writes its result to a temporary Parquet file.
   *
   * @throws StorageError as {@link DuckDb.run}.
   */
  runToParquet(statement: Statement, tables: readonly ScanTable[], options: RunOptions): Promise<ResultFile>;
  /**
   * Writes all rows of a table into one temporary Parquet file, then reads it back and compares the rows.
   *
   * @throws StorageError `corrupt` where the file does not hold exactly these rows.
   */
  merge(table: ScanTable, options: MergeOptions): Promise<ResultFile>;
  /** The note of a file that {@link DuckDb.merge} has written; undefined for any other file. */
  readNote(file: ScanFile, options: CallOptions): Promise<string | undefined>;
  /** Frees everything but temporary files. */
  close(): Promise<void>;
}
