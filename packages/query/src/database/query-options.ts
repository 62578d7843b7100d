import type { OptionKinds, ReadCsvOptions } from "@parquetry/core";
import type { ResultOptions } from "../duckdb/duckdb.ts";
import type { QueryProgress } from "../plan/query-progress.ts";
import type { ResultLimit } from "./result-limit.ts";

/** Options of `openQuery`. */
export interface OpenQueryOptions {
  /**
   * The types of partition keys, by entity. Default: BIGINT where every value is an integer that BIGINT gives back
   * unchanged, else VARCHAR. A key that only some partitions have is declared here too.
   */
  readonly hiveTypes?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
  /** The types of columns, by entity: values are cast, and one that cannot be is an error. Default: as the files have them. */
  readonly columnTypes?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
  /** How CSV files are read. Default: UTF-8, `,`, empty texts are NULL. */
  readonly csv?: ReadCsvOptions | undefined;
  /**
   * How files of a remote store are read. `cache` (default): fetched into a cache on this machine, so that a repeated query
   * fetches nothing. `httpfs`: DuckDB's extension reads the same pruned list of files from S3 or R2 and keeps nothing; for
   * machines without disk, or files that are read once. CSV, and keys with unusual characters, go through the cache all the same.
   */
  readonly remote?: "cache" | "httpfs" | undefined;
  /** The file of the extension httpfs, for this very version of DuckDB. Default: as `INSTALL httpfs` has left it. */
  readonly httpfsExtension?: string | undefined;
  /** Where files of remote stores are kept. Default: `PARQUETRY_CACHE_DIR`, else the system's place for caches. */
  readonly cacheDirectory?: string | undefined;
  /** How much is kept there, in bytes. Default 10 GiB. */
  readonly cacheMaxBytes?: number | undefined;
  /**
   * `true` lets SQL do whatever DuckDB can: read any file, write, several statements. Default `false`: one SELECT over the
   * entities.
   */
  readonly trusted?: boolean | undefined;
  /**
   * `true` runs DuckDB in a child process, which is killed where it takes a quarter more memory than `memoryLimit` plus
   * 256 MiB, where a query does not stop when it is aborted, and which may crash: the query fails with `unavailable`, and
   * the next one gets a new process. Queries that run at the same time share one. The child does not get this process's
   * environment. Costs some 100 ms at the first query. Default `false`.
   */
  readonly isolate?: boolean | undefined;
  /** The most memory that DuckDB takes, such as `4GB`; a soft limit. Default: 80 % of the machine's. */
  readonly memoryLimit?: string | undefined;
  /** Threads of DuckDB. Default: one a core. */
  readonly threads?: number | undefined;
}

/** Options of a query. */
export interface SqlOptions extends ResultOptions, ResultLimit {
  /** Stops the query, with code `aborted`. */
  readonly signal?: AbortSignal | undefined;
  /** Stops the query after so many milliseconds, with code `timeout`. Default: never. */
  readonly timeoutMs?: number | undefined;
  /** Told how far it is: at every list request, at every file that is here, and when it runs. */
  readonly onProgress?: ((progress: QueryProgress) => void) | undefined;
}

/** The names of {@link OpenQueryOptions}. */
export const OPEN_QUERY_OPTIONS: OptionKinds<OpenQueryOptions> = {
  hiveTypes: true,
  columnTypes: true,
  csv: true,
  remote: true,
  httpfsExtension: true,
  cacheDirectory: true,
  cacheMaxBytes: true,
  trusted: true,
  isolate: true,
  memoryLimit: true,
  threads: true,
};

/** The names of {@link SqlOptions}. */
export const SQL_OPTIONS: OptionKinds<SqlOptions> = {
  maxRows: true,
  maxBytes: true,
  timestamps: true,
  timeoutMs: true,
  signal: true,
  onProgress: true,
};
