import type { ObjectAccess, PartitionEntry, StorageError } from "@parquetry/core";

/** What a parameter may be. */
export type QueryValue =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly QueryValue[]
  | ReadonlyMap<QueryValue, QueryValue>
  | { readonly [field: string]: QueryValue };

/** Parameters by position (`?`, `$1`) or by name (`$year`). */
export type QueryParameters = readonly QueryValue[] | { readonly [name: string]: QueryValue };

/** A column: its name, and its type in the engine's SQL. */
export interface QueryColumn {
  /** Its name. */
  readonly name: string;
  /** Its SQL type, such as `BIGINT` or `VARCHAR[]`. */
  readonly type: string;
}

/** A query that the engine has parsed and let through its gate. */
export interface PreparedQuery {
  /** The SQL to plan and to execute, parameters put in. */
  readonly text: string;
  /** The tables that it names, as written, without its own CTEs. */
  readonly tableNames: readonly string[];
  /** The lower-case names of all columns it can need, where they can be told: those of subqueries and rows are among them. */
  readonly columnNames?: ReadonlySet<string> | undefined;
  /** The lower-case words of the query: a column whose name is none of them cannot be needed. Absent: any can be. */
  readonly words?: ReadonlySet<string> | undefined;
  /** True where it is known to be one SELECT. */
  readonly isSelect: boolean;
  /**
   * How many rows are enough where any rows of its only table answer it equally well: its LIMIT, or Infinity where it has none.
   * Absent where it orders or combines rows, or may.
   */
  readonly enoughRows?: number | undefined;
  /** What the rows that matter fulfil, where the query is simple enough to tell. */
  readonly conditions?: RowConditions | undefined;
}

/** A condition that every row of a table which can matter to a query fulfils. */
export interface RowCondition {
  /** The table, as the query names it. */
  readonly table: string;
  /** The columns that it looks at, in lower case. */
  readonly columns: readonly string[];
  /** It, in SQL over these columns. */
  readonly sql: string;
  /** Intervals of which one holds the value of its only column, where it says that. */
  readonly intervals?: readonly NumberInterval[] | undefined;
}

/** Numbers from one to another, both included; `null` is without bound. */
export type NumberInterval = readonly [low: number | null, high: number | null];

/** The conditions of a query that look at one table each. */
export interface RowConditions {
  readonly conditions: readonly RowCondition[];
  /** The columns, in lower case, by which the query may choose rows in other ways. Absent: any. */
  readonly otherColumns?: ReadonlySet<string> | undefined;
}

/** False only where a query cannot need a column of that name. */
export function mentionsColumn({ words }: Pick<PreparedQuery, "words">, column: string): boolean {
  return words === undefined || words.has(column.toLowerCase());
}

/** A table while its partitions are being chosen. */
export interface CandidateTable {
  /** The names by which the query calls it. */
  readonly names: readonly string[];
  /** The entity. */
  readonly entity: string;
  /** Its columns without the partition keys. */
  readonly columns: readonly QueryColumn[];
  /** Its partition keys, outermost first. */
  readonly keys: readonly QueryColumn[];
  /** The partitions to choose from; absent where nothing is known of them yet. */
  readonly candidates?: readonly (readonly PartitionEntry[])[] | undefined;
}

/** What choosing partitions gave. */
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
  /** The engine could not say: every candidate is needed. */
  | { readonly outcome: "unknown"; readonly reason: string }
  /** The query does not fit these tables. `column` where one that it names is in none of them. */
  | { readonly outcome: "invalid"; readonly error: StorageError; readonly column?: string | undefined };

/** A file that the engine can scan: on this machine, or in a store that it reads by itself. */
export interface ScanFile {
  /** Its absolute path, or its URL. */
  readonly path: string;
  /** A file with its whole footer, where the one at `path` lacks row groups that the query cannot need. */
  readonly footerPath?: string | undefined;
  /** A name that changes with its content. */
  readonly version: string;
  /** Its name in the store, for messages. */
  readonly key: string;
  /** Its partition. */
  readonly entries: readonly PartitionEntry[];
}

/** Files of one table that have the same columns of the same types and the same partition keys. */
export interface FileGroup {
  /** The files. */
  readonly files: readonly ScanFile[];
  /** What each file has, in order. */
  readonly columns: readonly QueryColumn[];
}

/** A table as it is scanned. */
export interface ScanTable {
  /** The names by which the query calls it. */
  readonly names: readonly string[];
  /** Its columns without the partition keys: what every group is converted to. */
  readonly columns: readonly QueryColumn[];
  /** Its partition keys, outermost first. */
  readonly keys: readonly QueryColumn[];
  /** The files. */
  readonly groups: readonly FileGroup[];
}

/** How result values become JavaScript. */
export interface ResultOptions {
  /** `date` (default): timestamps are Dates, digits below the millisecond cut off. `text`: ISO text with every digit. */
  readonly timestamps?: "date" | "text" | undefined;
}

/** Some rows of a result, column by column. */
export interface ColumnBatch {
  /** How many rows. */
  readonly rowCount: number;
  /** For each column of the result, in order, its values in JavaScript. */
  readonly values: readonly (readonly unknown[])[];
}

/** A result inside the engine, read batch by batch. */
export interface DuckDbResult {
  /** Its columns. */
  readonly columns: readonly QueryColumn[];
  /** How many rows it has. */
  readonly rowCount: number;
  /** Its rows, in batches. Leaving the loop early frees the result. */
  batches(): AsyncGenerator<ColumnBatch>;
  /** Frees the result. */
  close(): void;
}

/** Options of every call of an {@link DuckDb} that may take long. */
export interface CallOptions {
  /** Interrupts it, with code `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link DuckDb.run}. */
export interface RunOptions extends ResultOptions, CallOptions {
  /** A result may stop after one row more than this, by which the caller sees that there is more. */
  readonly maxRows?: number | undefined;
}

/** Options of {@link DuckDb.merge}. */
export interface MergeOptions extends CallOptions {
  /** Columns to sort by; none keeps the order of the files. */
  readonly sortBy?: readonly string[] | undefined;
}

/** A result as a file. */
export interface ResultFile {
  /** Where the engine has left it. */
  readonly path: string;
  /** How many rows it has. */
  readonly rowCount: number;
}

/**
 * What this package asks of DuckDB: in this process, or in a child process. Conditions, types and messages are DuckDB's own, so
 * nothing but DuckDB can implement it.
 */
export interface DuckDb {
  /** Lets it read objects of the store by itself, until it is told again. Only where it was made to do so. */
  grant(access: ObjectAccess): Promise<void>;
  /**
   * Parses a query and, unless the engine is trusted, refuses what is more than one SELECT over known tables.
   *
   * @throws StorageError `invalid_argument` for SQL that cannot be parsed, `permission_denied` for SQL that is refused.
   */
  prepare(
    sql: string,
    parameters: QueryParameters | undefined,
    options?: CallOptions,
  ): Promise<PreparedQuery>;
  /** Says which partitions a query can need, looking at no file. */
  prune(query: PreparedQuery, tables: readonly CandidateTable[], options?: CallOptions): Promise<PruneResult>;
  /**
   * Reads the schemas of files and groups them.
   *
   * @throws StorageError `corrupt` naming a file that cannot be read.
   */
  groupFiles(files: readonly ScanFile[]): Promise<readonly FileGroup[]>;
  /** True where a column is NULL in every row of the group, as far as the files' footers prove it. */
  isAllNull(group: FileGroup, column: string): Promise<boolean>;
  /**
   * Runs a query over tables.
   *
   * @throws StorageError `invalid_argument` for SQL that fails, `aborted`, `not_found` where a file vanished.
   */
  run(query: PreparedQuery, tables: readonly ScanTable[], options: RunOptions): Promise<DuckDbResult>;
  /**
   * Runs a query and leaves its result as a Parquet file, for the caller to move away.
   *
   * @throws StorageError as {@link DuckDb.run}.
   */
  runToParquet(query: PreparedQuery, tables: readonly ScanTable[], options: RunOptions): Promise<ResultFile>;
  /**
   * Writes all rows of a table into one Parquet file, for the caller to move away, and proves by reading it that nothing
   * was lost or changed.
   *
   * @throws StorageError `corrupt` where the file does not hold exactly these rows.
   */
  merge(table: ScanTable, options: MergeOptions): Promise<ResultFile>;
  /** Frees everything. */
  close(): Promise<void>;
}
