export type { TrinoAuth, TrinoOptions } from "./client/connection.ts";
export type { TrinoProgress } from "./client/protocol.ts";
export { type StatementOptions, TrinoClient, type TrinoResult } from "./client/trino-client.ts";
