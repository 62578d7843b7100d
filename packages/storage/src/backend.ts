/** `@parquetry/storage/backend`: opens backends without loading the tables, for programs that move bytes and start fast. */
export { configuredCloud } from "./configured-cloud.ts";
export { DEFAULT_ENV_PREFIXES } from "./environment.ts";
export { getBackend } from "./get-backend.ts";
export { openBackend } from "./open-backend.ts";
export type { ConfigOptions, UriOptions } from "./storage-config.ts";
