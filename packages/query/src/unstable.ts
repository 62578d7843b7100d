/**
 * `@parquetry/query/unstable`: what a package needs that runs the SQL of `openQuery` elsewhere, such as `@parquetry/trino`. It loads no
 * DuckDB. No promise is made between versions.
 */
export type { ColumnBatch, ResultOptions } from "./duckdb/duckdb.ts";
export { timestampValue } from "./duckdb/results/timestamp-value.ts";
export type { QueryColumn } from "./duckdb/views/scan-table.ts";
export type { QueryParameters, QueryValue } from "./statement/query-parameters.ts";
