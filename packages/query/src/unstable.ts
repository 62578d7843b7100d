/**
 * `@parquetry/query/unstable`: what our other packages need: the command, and engines that run the SQL of `openQuery` elsewhere, such as
 * `@parquetry/trino`. It loads no DuckDB. No promise is made between versions.
 */

export type { QueryStats } from "./database/query-result.ts";
export type { EngineResult, QueryEngine, SqlEngine, TableDescription } from "./database/sql-engine.ts";
export type { SqlOptions } from "./database/sql-options.ts";
export { isMisreadByHive } from "./ddl/ddl-partition.ts";
export { declarationNotes, trinoLocation, trinoTable } from "./ddl/generate-ddl.ts";
export { deadlineOf, untilDeadline } from "./duckdb/deadline.ts";
export type { ColumnBatch, ResultOptions } from "./duckdb/duckdb.ts";
export { timestampValue } from "./duckdb/results/timestamp-value.ts";
export type { QueryColumn } from "./duckdb/views/scan-table.ts";
export type { QueryExplanation, TableStats } from "./plan/plan-summary.ts";
export type { QueryParameters, QueryValue } from "./statement/query-parameters.ts";
export { quoteName } from "./statement/quote.ts";
export { joinTypes } from "./tables/column-join.ts";
export { describeNotes, TABLE_DESCRIPTION } from "./tables/describe-columns.ts";
export { resolveTable } from "./tables/resolve-table.ts";
