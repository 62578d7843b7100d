/**
 * `@parquetry/core/unstable/tables`: the same as `@parquetry/core/unstable`, for packages that load the tables anyway. No
 * promise is made between versions.
 */
export { decodeCsv } from "./csv/read-csv.ts";
export { openByteSource } from "./parquet/byte-source.ts";
export {
  type ChunkPlace,
  chunkLayout,
  footerBytes,
  keepRowGroups,
  type RowGroupPlace,
  schemaBytes,
  TRAILER_BYTES,
} from "./parquet/chunk-layout.ts";
export { type ByteSpan, coalesceRanges } from "./parquet/column-chunks.ts";
export { typeName } from "./parquet/column-type.ts";
export {
  type ChunkDescription,
  describeParquet,
  type ParquetDescription,
  type RowGroupDescription,
} from "./parquet/describe-parquet.ts";
export { inferColumns } from "./parquet/infer-columns.ts";
export { ParquetJoiner } from "./parquet/parquet-joiner.ts";
export { encodeParquet } from "./parquet/write-parquet.ts";
export { committedFiles } from "./table/committed-files.ts";
export { csvSchema } from "./table/csv-schema.ts";
export {
  type DataFile,
  type DataFormat,
  dataFormat,
  looksLikeData,
  MANIFEST_NAME,
  openCsvFile,
  publishedName,
} from "./table/data-file.ts";
export { listEntities, unknownEntity } from "./table/entities.ts";
export {
  type MadeFrom,
  type Manifest,
  type ManifestField,
  type ManifestFile,
  parseManifest,
  type ReplacedFile,
  untypedColumns,
} from "./table/manifest.ts";
export {
  type PartitionFolder,
  type PartitionTree,
  type PrunePartitions,
  type WalkOptions,
  walkPartitions,
} from "./table/partition-tree.ts";
export { readCommitted } from "./table/read-committed.ts";
export { type Finding, repairPartition } from "./table/repair-entity.ts";
export { type RewriteOptions, type RewrittenPartition, rewritePartition } from "./table/rewrite-partition.ts";
export { describeIssues, ROW_SCHEMA } from "./table/row-schema.ts";
export { checkCsvOptions } from "./table/storage-options.ts";
