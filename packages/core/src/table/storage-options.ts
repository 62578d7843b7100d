import { checkOptions, either, isPlainObject, type OptionKinds, oneOf } from "../bytes/check-arguments.ts";
import type { OperationOptions } from "../bytes/storage-backend.ts";
import type { ReadCsvOptions } from "../csv/read-csv-options.ts";
import type { WriteCsvOptions } from "../csv/write-csv.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";
import type { ParquetLimits } from "../parquet/guard/index.ts";
import type { OpenParquetOptions, UntrustedLimits } from "../parquet/open-parquet-file.ts";
import type { ListEntitiesOptions } from "./entities.ts";
import type { InspectOptions } from "./inspect-entity.ts";
import type { RepairOptions } from "./repair-entity.ts";
import type { ReplaceOptions } from "./replace-partitions.ts";
import { ROW_SCHEMA } from "./row-schema.ts";
import type { ScanOptions } from "./scan-partitions.ts";
import type { WriteOptions } from "./write-partition.ts";
import type { WritePartitionsOptions } from "./write-partitions.ts";

/** Options of `readParquet` and `scanParquet`. */
export interface ReadParquetOptions extends OperationOptions, OpenParquetOptions {
  /** Reads only these columns, in this order; one that the file lacks is null in every row. Default: all. */
  readonly columns?: readonly string[] | undefined;
}

/** Options of `writeParquet`. */
export interface WriteParquetOptions extends OperationOptions {
  /** The columns and their types. Default: inferred from every row. */
  readonly schema?: readonly ColumnSchema[] | undefined;
}

/** The options of each method of `Storage` that takes some. */
interface StorageOptions {
  readonly exists: OperationOptions;
  readonly listFiles: OperationOptions;
  readonly listEntities: ListEntitiesOptions;
  readonly readParquet: ReadParquetOptions;
  readonly scanParquet: ReadParquetOptions;
  readonly writeParquet: WriteParquetOptions;
  readonly readCsv: ReadCsvOptions & OperationOptions;
  readonly scanCsv: ReadCsvOptions & OperationOptions;
  readonly writeCsv: WriteCsvOptions & OperationOptions;
  readonly readIndex: ScanOptions<unknown>;
  readonly scan: ScanOptions<unknown>;
  readonly write: WriteOptions;
  readonly writePartitions: WritePartitionsOptions;
  readonly replacePartitions: ReplaceOptions;
  readonly repair: RepairOptions;
  readonly inspect: InspectOptions;
  readonly delete: OperationOptions;
}

const delimiter = {
  expected: 'a string such as "," or "\\t", without quotes and line ends',
  is: (value: unknown) => typeof value === "string" && /^[^"\r\n]+$/.test(value),
};
const keyTypes = {
  expected: 'types by partition key, "string" or "integer", such as { year: "integer" }',
  is: (value: unknown) =>
    isPlainObject(value) &&
    Object.values(value as object).every((type) => type === "string" || type === "integer"),
};
const operation: OptionKinds<OperationOptions> = { signal: "signal" };
const csv: OptionKinds<ReadCsvOptions> = {
  encoding: oneOf("utf-8", "latin1", "windows-1252"),
  nullValues: "strings",
  delimiter,
  escape: oneOf('"', "\\"),
  inferTypes: "boolean",
  columns: "strings",
};
const untrusted: OptionKinds<UntrustedLimits> = {
  timeoutMs: "positive",
  memoryMiB: "positive",
  maxValues: "whole",
  maxBytes: "bytes",
};
const limits: OptionKinds<ParquetLimits> = {
  maxValues: "whole",
  maxDecodedBytes: "bytes",
  maxPageValues: "whole",
  maxPageBytes: "bytes",
  maxColumns: "whole",
  maxFooterBytes: "bytes",
  maxDecimalDigits: "whole",
};
const readParquet: OptionKinds<ReadParquetOptions> = {
  columns: "strings",
  untrusted: either("boolean", "object"),
  limits: "object",
  ...operation,
};
const scan: OptionKinds<ScanOptions<unknown>> = {
  keyTypes,
  rowSchema: ROW_SCHEMA,
  csv: "object",
  onUnreadable: oneOf("throw", "skip"),
  onSkippedFile: "function",
  ...readParquet,
};
const replacePartitions: OptionKinds<ReplaceOptions> = {
  schema: "array",
  concurrency: "count",
  onProgress: "function",
  onConflict: oneOf("throw", "retry"),
  onLeftover: "function",
  allowOtherKeys: "boolean",
  allowOtherTypes: "boolean",
  ...operation,
};
const { concurrency: _, onProgress: __, ...replaced } = replacePartitions;

/** The kinds of all options of `Storage`. */
export const STORAGE_OPTIONS: { readonly [C in keyof StorageOptions]: OptionKinds<StorageOptions[C]> } = {
  exists: operation,
  listFiles: operation,
  listEntities: { ...operation, onUnreadableFolder: "function" },
  readParquet,
  scanParquet: readParquet,
  writeParquet: { schema: "array", ...operation },
  readCsv: { ...csv, ...operation },
  scanCsv: { ...csv, ...operation },
  writeCsv: { delimiter, columns: "strings", escapeFormulas: "boolean", ...operation },
  readIndex: scan,
  scan,
  write: { overwrite: "boolean", ...replaced },
  writePartitions: { by: "strings", overwrite: "boolean", ...replacePartitions },
  replacePartitions,
  repair: { dryRun: "boolean", ...operation },
  inspect: { csv: "object", onPartition: "function", ...operation },
  delete: operation,
};

/** The kinds of options that are in an option of that name. */
export const NESTED_OPTIONS: Readonly<Record<string, OptionKinds<object>>> = {
  csv,
  untrusted,
  limits,
};

/**
 * Checks names and kinds of the options of a method of `Storage`, also of nested ones.
 *
 * @throws StorageError `invalid_argument` that names the option and what was expected.
 */
export function checkStorageOptions<C extends keyof StorageOptions>(
  call: C,
  options: StorageOptions[C],
): void {
  checkOptions<StorageOptions[C]>(options, STORAGE_OPTIONS[call], call);
  for (const [name, value] of Object.entries(options)) checkNested(name, value, call);
}

/**
 * Checks how CSV files are to be read, for an option `csv` of another call.
 *
 * @throws StorageError `invalid_argument` that names the option and what was expected.
 * @example
 * ```ts
 * checkCsvOptions(options.csv, "openQuery");
 * ```
 */
export function checkCsvOptions(options: ReadCsvOptions, op: string): void {
  checkOptions({ csv: options }, { csv: "object" }, op);
  checkNested("csv", options, op);
}

function checkNested(name: string, value: unknown, op: string): void {
  const kinds = NESTED_OPTIONS[name];
  if (kinds !== undefined && typeof value === "object" && value !== null)
    checkOptions(value, kinds, op, name);
}
