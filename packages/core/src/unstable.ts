/**
 * `@parquetry/core/unstable`: what only the sister packages of Parquetry need. Nothing in it is promised between versions.
 */
export { decodeCsv } from "./csv/read-csv.ts";
export {
  type ChunkPlace,
  chunkLayout,
  footerBytes,
  keepRowGroups,
  type RowGroupPlace,
  TRAILER_BYTES,
} from "./parquet/chunk-layout.ts";
export { type ByteSpan, coalesceRanges } from "./parquet/column-chunks.ts";
export { checkCsvOptions } from "./table/storage-options.ts";
