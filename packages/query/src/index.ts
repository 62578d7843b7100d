export type { RowSchema } from "@parquetry/core";
export type {
  CompactedPartition,
  CompactionReport,
  CompactOptions,
  SkippedPartition,
} from "./compact/compact-options.ts";
export { openQuery } from "./database/open-query.ts";
export type { QueryCursor } from "./database/query-cursor.ts";
export type { QueryDatabase } from "./database/query-database.ts";
export type { OpenQueryOptions, SqlRowOptions, TableStrays } from "./database/query-options.ts";
export type { ColumnarResult, QueryResult, QueryStats } from "./database/query-result.ts";
export type { QueryEngine, TableDescription } from "./database/sql-engine.ts";
export type { SqlOptions } from "./database/sql-options.ts";
export { type DdlEngine, type DdlOptions, generateDdl } from "./ddl/generate-ddl.ts";
export type { QueryColumn } from "./duckdb/views/scan-table.ts";
export { clearCache, inspectCache } from "./files/file-cache.ts";
export type { QueryProgress } from "./plan/plan-context.ts";
export type { QueryExplanation, TableStats } from "./plan/plan-summary.ts";
export type { PlannedFile } from "./plan/planned-file.ts";
export type { QueryParameters, QueryValue } from "./statement/query-parameters.ts";
