import type { ReadCsvOptions, RowSchema } from "@parquetry/core";
import type { ListOptions } from "@parquetry/core/backend";
import {
  type CustomKind,
  checkOptions,
  invalid,
  isPlainObject,
  type OptionKinds,
  objectWith,
  oneOf,
  showBriefly,
} from "@parquetry/core/unstable";
import { checkCsvOptions, ROW_SCHEMA } from "@parquetry/core/unstable/tables";
import { parseMemoryLimit } from "../duckdb/isolated/process-memory.ts";
import { DECLARED_KEY_TYPES, declaredKeyType } from "../tables/declared-key-type.ts";
import type { QueryEngine } from "./sql-engine.ts";
import type { SqlOptions } from "./sql-options.ts";

/** SQL types by column, by table: `{ "raw/plays": { week: "VARCHAR" } }`. */
type TypesByTable = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Options of `openQuery`. */
export interface OpenQueryOptions {
  /**
   * Runs SQL elsewhere: `trino(…)` of `@parquetry/trino`. SQL is then that engine's own, and the options about files, types and
   * DuckDB are refused. Default: an embedded DuckDB.
   */
  readonly engine?: QueryEngine | undefined;
  /**
   * Types of partition keys, by table. Default: BIGINT where every value is an integer that BIGINT gives back unchanged, else
   * VARCHAR. Also declares a key that only some partitions have. A key can be a number, `DECIMAL(9,2)` included, text, a BOOLEAN, a
   * UUID, a date or a time. A value that its type does not hold is an error where it is read.
   */
  readonly hiveTypes?: TypesByTable | undefined;
  /** Types of columns, by table. Values are cast; a value that cannot be cast is an error. Default: the types in the files. */
  readonly columnTypes?: TypesByTable | undefined;
  /** How CSV files are read. Default: UTF-8, separated by `,`, with empty strings as NULL. */
  readonly csv?: ReadCsvOptions | undefined;
  /**
   * How files of a remote store are read. `cache` (default) downloads them into a cache on this machine, so a repeated query
   * downloads nothing. `httpfs` lets DuckDB's extension read the same pruned list of files from S3 or R2 and keeps nothing: for
   * machines without a disk, or files that are read once. CSV files, and partition values with unusual characters, use the
   * cache in both cases.
   */
  readonly remote?: "cache" | "httpfs" | undefined;
  /** The file of the httpfs extension, built for exactly this version of DuckDB. Default: the one that `INSTALL httpfs` installed. */
  readonly httpfsExtension?: string | undefined;
  /** The directory of the cache. Default: `PARQUETRY_CACHE_DIR`, else the system's cache directory. */
  readonly cacheDirectory?: string | undefined;
  /** The size of the cache, in bytes. Default 10 GiB. */
  readonly cacheMaxBytes?: number | undefined;
  /**
   * `true` lets SQL do whatever DuckDB can: read any file, write, run several statements. Default `false`: one SELECT over the
   * tables of the storage.
   */
  readonly trusted?: boolean | undefined;
  /**
   * `true` runs DuckDB in a child process, which does not inherit this process's environment. The child is killed when it uses
   * a quarter more memory than `memoryLimit` plus 256 MiB, or when an aborted query does not stop within a second; the other
   * queries of that moment are then run again. If it is killed for its memory or crashes, its queries fail with `unavailable`.
   * In both cases the next query starts a new process with the same options. Concurrent queries share one process. `false` runs
   * DuckDB in this process, which a query can end by using all memory, and in which a statement that does not stop goes on after
   * its timeout. A query takes about 2 ms of CPU time more in a child process, and each MB of its rows 10 to 60 ms. Default:
   * `true`, or `false` with `trusted: true`.
   */
  readonly isolate?: boolean | undefined;
  /** DuckDB's memory limit, such as `4GB`. DuckDB may exceed it briefly. Default: 80 % of the machine's memory. */
  readonly memoryLimit?: string | undefined;
  /** DuckDB's threads. Default: one per core. */
  readonly threads?: number | undefined;
  /**
   * Called once for each folder that cannot be read and may hold tables, such as `lost+found`. Only queries that need it fail.
   * Default: no report.
   */
  readonly onUnreadableFolder?: ListOptions["onUnreadable"];
  /**
   * Called once per table that has data files which no query reads: below a folder that is not named `key=value`, or in another
   * format. Default: nothing; `storage.inspect` lists them.
   */
  readonly onStrays?: ((strays: TableStrays) => void) | undefined;
}

/** Data files of a table that no query reads. */
export interface TableStrays {
  readonly entity: string;
  /** Their keys, in the folders that the query listed. */
  readonly keys: readonly string[];
}

/** Options of a query that returns rows. */
export interface SqlRowOptions<T> extends SqlOptions {
  /**
   * A schema that parses every row: of zod, Valibot, ArkType or any other library with Standard Schema. The rows, and their type,
   * are its output. Default: rows as they are.
   */
  readonly schema?: RowSchema<T> | undefined;
}

/** A SQL type: `BIGINT`, `DECIMAL(18, 2)`, `TIMESTAMP WITH TIME ZONE`, `VARCHAR[]`. It becomes part of SQL, so nothing else may match. */
const SQL_TYPE = /^[A-Za-z][A-Za-z0-9_]*(?: [A-Za-z]+)*(?:\(\d+(?:, ?\d+)?\))?(?:\[\d*\])*$/;

const memorySize: CustomKind = {
  expected: 'a size such as "4GB" or "500MiB"',
  is: (value) => typeof value === "string" && parseMemoryLimit(value) !== undefined,
};

/** Reads every type: a getter may throw. */
const typesByTable: CustomKind = {
  expected: 'types by column by table, such as { "raw/plays": { week: "VARCHAR" } }',
  is: (value) =>
    isPlainObject(value) &&
    Object.values(value).every((types) => isPlainObject(types) && Object.values(types).length >= 0),
};

const OPEN_QUERY_OPTIONS: OptionKinds<OpenQueryOptions> = {
  engine: objectWith("an engine such as trino(…) of @parquetry/trino", { name: "string", open: "function" }),
  hiveTypes: typesByTable,
  columnTypes: typesByTable,
  csv: "object",
  remote: oneOf("cache", "httpfs"),
  httpfsExtension: "string",
  cacheDirectory: "string",
  cacheMaxBytes: "bytes",
  trusted: "boolean",
  isolate: "boolean",
  memoryLimit: memorySize,
  threads: "count",
  onUnreadableFolder: "function",
  onStrays: "function",
};

const SQL_OPTIONS: OptionKinds<SqlOptions> = {
  maxRows: "whole",
  maxBytes: "bytes",
  timestamps: oneOf("date", "text"),
  timeoutMs: "positive",
  signal: "signal",
  onProgress: "function",
};

const SQL_ROW_OPTIONS: OptionKinds<SqlRowOptions<unknown>> = {
  schema: ROW_SCHEMA,
  ...SQL_OPTIONS,
};
/** The calls whose results are rows. */
const ROW_CALLS: ReadonlySet<string> = new Set(["open", "sql", "stream"]);

/**
 * Checks the options of `openQuery`, for callers without types.
 *
 * @throws StorageError `invalid_argument` that names the option.
 */
export function checkOpenQueryOptions(options: OpenQueryOptions): void {
  checkOptions(options, OPEN_QUERY_OPTIONS, "openQuery");
  if (options.engine !== undefined) {
    for (const [name, value] of Object.entries(options)) {
      if (name === "engine" || value === undefined) continue;
      throw invalid(
        "openQuery",
        `${name} is an option of the embedded DuckDB, and engine: ${options.engine.name} has no use for it. Remove one of them`,
      );
    }
  }
  checkCsvOptions(options.csv ?? {}, "openQuery");
  for (const option of ["hiveTypes", "columnTypes"] as const) {
    for (const [table, types] of Object.entries(options[option] ?? {})) {
      for (const [column, type] of Object.entries(types)) {
        if (option === "hiveTypes") {
          if (typeof type === "string" && declaredKeyType(type) !== undefined) continue;
          throw invalid(
            "openQuery",
            `hiveTypes of ${table}: ${column} must be one of ${DECLARED_KEY_TYPES}, got ${showBriefly(type)}`,
          );
        }
        if (typeof type === "string" && SQL_TYPE.test(type)) continue;
        throw invalid(
          "openQuery",
          `${option} of ${table}: ${column} must have a SQL type such as BIGINT, VARCHAR, DOUBLE, DATE or DECIMAL(18,2), got ${showBriefly(type)}`,
        );
      }
    }
  }
}

/**
 * Checks the SQL and the options of a query, for callers without types.
 *
 * @throws StorageError `invalid_argument` that names the option.
 */
export function checkSqlArguments(text: string, options: SqlOptions, op: string): void {
  if (typeof text !== "string") throw invalid(op, `the SQL must be a string, got ${typeof text}`);
  checkOptions(options, ROW_CALLS.has(op) ? SQL_ROW_OPTIONS : SQL_OPTIONS, op);
}
