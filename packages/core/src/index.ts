export type { DiagnosticMessages } from "./bytes/diagnostics.ts";
export { type Key, type Prefix, parseKey, parsePrefix } from "./bytes/key.ts";
export { createMemoryBackend } from "./bytes/memory-backend.ts";
export type { Row, RowLike } from "./bytes/row.ts";
export type { OperationOptions, StorageBackend } from "./bytes/storage-backend.ts";
export {
  isStorageError,
  type RetryAdvice,
  StorageError,
  type StorageErrorCode,
  type StorageErrorOptions,
} from "./bytes/storage-error.ts";
export type { ReadCsvOptions } from "./csv/read-csv-options.ts";
export type { WriteCsvOptions } from "./csv/write-csv.ts";
export { HIVE_NULL } from "./hive/codec.ts";
export { Partition, type PartitionEntry, type PartitionValue, partition } from "./hive/partition.ts";
export type { ColumnSchema, ColumnType } from "./parquet/column-type.ts";
export { columnsFromZod } from "./parquet/columns-from-zod.ts";
export type { ParquetLimits } from "./parquet/guard/index.ts";
export { DEFAULT_UNTRUSTED_LIMITS, type UntrustedLimits } from "./parquet/open-parquet-file.ts";
export type { ColumnTable, ColumnValues } from "./parquet/table-rows.ts";
export type {
  ColumnDrift,
  EntityReport,
  InspectOptions,
  KeyReport,
  SchemaReport,
} from "./table/inspect-entity.ts";
export type { OpenPartitionOptions } from "./table/open-partition.ts";
export type { PartitionFilters } from "./table/partition-filter.ts";
export type { Leftover, RepairOptions, RepairReport } from "./table/repair-entity.ts";
export {
  DEFAULT_REPLACE_CONCURRENCY,
  PartialWriteError,
  type PartitionFailure,
  type PartitionRows,
  type ReplaceOptions,
  type ReplaceProgress,
  type ReplaceResult,
} from "./table/replace-partitions.ts";
export type { RowSchema } from "./table/row-schema.ts";
export type { ScanOptions } from "./table/scan-partitions.ts";
export { Storage } from "./table/storage.ts";
export type { ReadParquetOptions, WriteParquetOptions } from "./table/storage-options.ts";
export { MAX_WRITE_ATTEMPTS, type WriteOptions } from "./table/write-partition.ts";
export {
  DEFAULT_WRITE_CONCURRENCY,
  type WritePartitionsOptions,
  type WritePartitionsResult,
  type WrittenPartition,
} from "./table/write-partitions.ts";
