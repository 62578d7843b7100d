export type {
  CompactedPartition,
  CompactionReport,
  CompactOptions,
  SkippedPartition,
} from "./compact/compact-options.ts";
export type { QueryColumn, QueryParameters, QueryValue, ResultOptions } from "./engine.ts";
export { defaultCacheDirectory } from "./files/cache-directory.ts";
export { DEFAULT_CACHE_BYTES } from "./files/file-cache.ts";
export { openQuery } from "./open-query.ts";
export type { QueryCursor } from "./query-cursor.ts";
export type { QueryDatabase, TableDescription } from "./query-database.ts";
export type { OpenQueryOptions, SqlOptions } from "./query-options.ts";
export type { QueryProgress } from "./query-progress.ts";
export type {
  ColumnarResult,
  QueryExplanation,
  QueryResult,
  QueryStats,
  TableStats,
} from "./query-result.ts";
export type { ResultLimit } from "./result-limit.ts";
export type { LevelChoice } from "./table/choose-partitions.ts";
