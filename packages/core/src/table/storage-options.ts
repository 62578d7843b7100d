import type { OptionKinds } from "../bytes/check-arguments.ts";
import type { OperationOptions } from "../bytes/storage-backend.ts";
import type { ReadCsvOptions } from "../csv/read-csv.ts";
import type { WriteCsvOptions } from "../csv/write-csv.ts";
import type { ColumnSchema } from "../parquet/column-type.ts";
import type { UntrustedLimits } from "../parquet/open-parquet-file.ts";
import type { InspectOptions } from "./inspect-entity.ts";
import type { RepairOptions } from "./repair-entity.ts";
import type { ReplaceOptions } from "./replace-partitions.ts";
import type { ScanOptions } from "./scan-partitions.ts";
import type { WriteOptions } from "./write-partition.ts";

/** Options of `readParquet` and `scanParquet`. */
export interface ReadParquetOptions extends OperationOptions {
  /** Only these columns are read, in this order; one that the file lacks is null in every row. Default: all. */
  readonly columns?: readonly string[] | undefined;
  /**
   * `true`, or limits, for a file that nobody vouches for: it is decoded in a thread of its own, so that it can neither
   * hang nor kill the caller. Costs about 50 ms. Default false.
   */
  readonly untrusted?: boolean | UntrustedLimits | undefined;
}

/** Options of `writeParquet`. */
export interface WriteParquetOptions extends OperationOptions {
  /** The columns and their types. Default: found by looking at every row. */
  readonly schema?: readonly ColumnSchema[] | undefined;
}

/** Options of a call that has none of its own. */
export const OPERATION_OPTIONS: OptionKinds<OperationOptions> = { signal: true };

/** The names of {@link ReadParquetOptions}. */
export const READ_PARQUET_OPTIONS: OptionKinds<ReadParquetOptions> = {
  columns: true,
  untrusted: true,
  signal: true,
};

/** The names of {@link WriteParquetOptions}. */
export const WRITE_PARQUET_OPTIONS: OptionKinds<WriteParquetOptions> = { schema: true, signal: true };

/** How a CSV file is read, as `readIndex` and `inspect` take it. */
export const CSV_OPTIONS: OptionKinds<ReadCsvOptions> = {
  encoding: true,
  nullValues: true,
  delimiter: true,
  inferTypes: true,
  columns: true,
};

/** Options of `readCsv` and `scanCsv`. */
export const READ_CSV_OPTIONS: OptionKinds<ReadCsvOptions & OperationOptions> = {
  ...CSV_OPTIONS,
  signal: true,
};

/** Options of `writeCsv`. */
export const WRITE_CSV_OPTIONS: OptionKinds<WriteCsvOptions & OperationOptions> = {
  delimiter: true,
  columns: true,
  escapeFormulas: true,
  signal: true,
};

/** Options of `readIndex` and `scan`. */
export const SCAN_OPTIONS: OptionKinds<ScanOptions<unknown>> = {
  columns: true,
  rowSchema: true,
  csv: true,
  onUnreadable: true,
  onSkippedFile: true,
  untrusted: true,
  signal: true,
};

/** Options of `replacePartitions`. */
export const REPLACE_OPTIONS: OptionKinds<ReplaceOptions> = {
  schema: true,
  concurrency: true,
  onProgress: true,
  onConflict: true,
  onLeftover: true,
  allowOtherKeys: true,
  allowOtherTypes: true,
  signal: true,
};

/** Options of `write`. */
export const WRITE_OPTIONS: OptionKinds<WriteOptions> = {
  overwrite: true,
  schema: true,
  onConflict: true,
  onLeftover: true,
  allowOtherKeys: true,
  allowOtherTypes: true,
  signal: true,
};

/** Options of `inspect`. */
export const INSPECT_OPTIONS: OptionKinds<InspectOptions> = { csv: true, signal: true };

/** Options of `repair`. */
export const REPAIR_OPTIONS: OptionKinds<RepairOptions> = { dryRun: true, signal: true };
