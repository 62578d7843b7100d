export type {
  CompactedPartition,
  CompactionReport,
  CompactOptions,
  SkippedPartition,
} from "./compact/compact-options.ts";
export { openQuery } from "./database/open-query.ts";
export type { QueryCursor } from "./database/query-cursor.ts";
export type { QueryDatabase, TableDescription } from "./database/query-database.ts";
export type { OpenQueryOptions, SqlOptions } from "./database/query-options.ts";
export type {
  ColumnarResult,
  QueryExplanation,
  QueryResult,
  QueryStats,
  TableStats,
} from "./database/query-result.ts";
export type { ResultLimit } from "./database/result-limit.ts";
export { type DdlEngine, generateDdl } from "./ddl/generate-ddl.ts";
export type { QueryColumn, QueryParameters, QueryValue, ResultOptions } from "./duckdb/duckdb.ts";
export { clearCache, DEFAULT_CACHE_BYTES, inspectCache } from "./files/file-cache.ts";
export type { LevelChoice } from "./plan/choose-partitions.ts";
export type { QueryProgress } from "./plan/query-progress.ts";
export { describeNotes } from "./tables/describe-notes.ts";
export { resolveTable } from "./tables/resolve-table.ts";
