export { abilitiesOf, type ObjectAccess } from "./bytes/abilities.ts";
export type { BackendCapabilities } from "./bytes/backend-capabilities.ts";
export {
  type CustomKind,
  checkOptions,
  either,
  type OptionKind,
  type OptionKinds,
  oneOf,
} from "./bytes/check-arguments.ts";
export { DEFAULT_MAX_CONCURRENT, type LimitOptions } from "./bytes/concurrency/adaptive-limit.ts";
export { limited } from "./bytes/concurrency/limited.ts";
export { paced } from "./bytes/concurrency/paced.ts";
export { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./bytes/concurrency/retry-operation.ts";
export { retrying } from "./bytes/concurrency/retrying.ts";
export { deleteAll } from "./bytes/delete-all.ts";
export {
  explainInvalidKey,
  isWithin,
  joinKey,
  type Key,
  MAX_KEY_BYTES,
  type Prefix,
  parseKey,
  parsePrefix,
} from "./bytes/key.ts";
export { compareKeys } from "./bytes/key-order.ts";
export { listObjects } from "./bytes/list-objects.ts";
export { createMemoryBackend } from "./bytes/memory-backend.ts";
export type { ObjectBody, PutBody, ReplayableBody } from "./bytes/object-body.ts";
export { prefixed } from "./bytes/prefixed.ts";
export type { Row } from "./bytes/row.ts";
export type {
  ByteRange,
  CopyOptions,
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListPage,
  ObjectInfo,
  OperationOptions,
  Preconditions,
  PutOptions,
  PutResult,
  SkippedEntry,
  StorageBackend,
  UnreadableEntry,
} from "./bytes/storage-backend.ts";
export {
  isStorageError,
  type RetryAdvice,
  StorageError,
  type StorageErrorCode,
  type StorageErrorOptions,
} from "./bytes/storage-error.ts";
export { suggest } from "./bytes/suggest.ts";
export type { ReadCsvOptions } from "./csv/read-csv.ts";
export type { WriteCsvOptions } from "./csv/write-csv.ts";
export { decodeHive, encodeHive, HIVE_NULL } from "./hive/codec.ts";
export {
  Partition,
  type PartitionEntry,
  type PartitionValue,
  parsePartitionSegment,
  partition,
} from "./hive/partition.ts";
export { type ColumnSchema, type ColumnType, typeName } from "./parquet/column-type.ts";
export { columnsFromZod } from "./parquet/columns-from-zod.ts";
export { inferColumns } from "./parquet/infer-columns.ts";
export { DEFAULT_UNTRUSTED_LIMITS, type UntrustedLimits } from "./parquet/open-parquet-file.ts";
export { encodeParquet } from "./parquet/write-parquet.ts";
export { committedFiles } from "./table/committed-files.ts";
export { type DataFile, type DataFormat, dataFormat, MANIFEST_NAME } from "./table/data-file.ts";
export { listEntities, unknownEntity } from "./table/entities.ts";
export type {
  ColumnDrift,
  EntityReport,
  InspectOptions,
  KeyReport,
  SchemaReport,
} from "./table/inspect-entity.ts";
export {
  type MadeFrom,
  type Manifest,
  type ManifestField,
  type ManifestFile,
  parseManifest,
  type ReplacedFile,
} from "./table/manifest.ts";
export type { OpenPartitionOptions } from "./table/open-partition.ts";
export type { PartitionFilters } from "./table/partition-filter.ts";
export {
  type PartitionFolder,
  type PartitionTree,
  type PrunePartitions,
  type WalkOptions,
  walkPartitions,
} from "./table/partition-tree.ts";
export type { Leftover, RepairOptions, RepairReport } from "./table/repair-entity.ts";
export {
  DEFAULT_REPLACE_CONCURRENCY,
  type PartitionFailure,
  type PartitionRows,
  type ReplaceOptions,
  ReplacePartitionsError,
  type ReplaceProgress,
  type ReplaceResult,
} from "./table/replace-partitions.ts";
export { type RewriteOptions, type RewrittenPartition, rewritePartition } from "./table/rewrite-partition.ts";
export type { ScanOptions } from "./table/scan-partitions.ts";
export { Storage } from "./table/storage.ts";
export type { ReadParquetOptions, WriteParquetOptions } from "./table/storage-options.ts";
export { MAX_WRITE_ATTEMPTS, type WriteOptions } from "./table/write-partition.ts";
