import type { OperationOptions } from "./backend/storage-backend.ts";
import type { OptionNames } from "./check-arguments.ts";
import type { ReadCsvOptions } from "./csv/read-csv.ts";
import type { WriteCsvOptions } from "./csv/write-csv.ts";
import type { ReadParquetOptions, WriteParquetOptions } from "./storage.ts";
import type { InspectOptions } from "./table/inspect-entity.ts";
import type { RepairOptions } from "./table/repair-entity.ts";
import type { ReplaceOptions } from "./table/replace-partitions.ts";
import type { ScanOptions } from "./table/scan-partitions.ts";
import type { WriteOptions } from "./table/write-partition.ts";

/** Options of a call that has none of its own. */
export const OPERATION_OPTIONS: OptionNames<OperationOptions> = { signal: true };

/** Options of `readParquet` and `scanParquet`. */
export const READ_PARQUET_OPTIONS: OptionNames<ReadParquetOptions> = {
  columns: true,
  untrusted: true,
  signal: true,
};

/** Options of `writeParquet`. */
export const WRITE_PARQUET_OPTIONS: OptionNames<WriteParquetOptions> = { schema: true, signal: true };

/** How a CSV file is read, as `readIndex` and `inspect` take it. */
export const CSV_OPTIONS: OptionNames<ReadCsvOptions> = {
  encoding: true,
  nullValues: true,
  delimiter: true,
  inferTypes: true,
  columns: true,
};

/** Options of `readCsv` and `scanCsv`. */
export const READ_CSV_OPTIONS: OptionNames<ReadCsvOptions & OperationOptions> = {
  ...CSV_OPTIONS,
  signal: true,
};

/** Options of `writeCsv`. */
export const WRITE_CSV_OPTIONS: OptionNames<WriteCsvOptions & OperationOptions> = {
  delimiter: true,
  columns: true,
  escapeFormulas: true,
  signal: true,
};

/** Options of `readIndex` and `scan`. */
export const SCAN_OPTIONS: OptionNames<ScanOptions<unknown>> = {
  columns: true,
  rowSchema: true,
  csv: true,
  onUnreadable: true,
  onSkippedFile: true,
  untrusted: true,
  signal: true,
};

/** Options of `replacePartitions`. */
export const REPLACE_OPTIONS: OptionNames<ReplaceOptions> = {
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
export const WRITE_OPTIONS: OptionNames<WriteOptions> = {
  overwrite: true,
  schema: true,
  onConflict: true,
  onLeftover: true,
  allowOtherKeys: true,
  allowOtherTypes: true,
  signal: true,
};

/** Options of `inspect`. */
export const INSPECT_OPTIONS: OptionNames<InspectOptions> = { csv: true, signal: true };

/** Options of `repair`. */
export const REPAIR_OPTIONS: OptionNames<RepairOptions> = { dryRun: true, signal: true };
