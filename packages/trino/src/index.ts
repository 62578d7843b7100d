export type { TrinoAuth, TrinoOptions } from "./client/connection.ts";
export type { TrinoProgress } from "./client/protocol.ts";
export { type StatementOptions, TrinoClient, type TrinoResult } from "./client/trino-client.ts";
export type { CountDifference } from "./register/count-differences.ts";
export { type RegisterOptions, type Registration, registerTable } from "./register/register-table.ts";
export { type TrinoEngineOptions, trino } from "./trino.ts";
