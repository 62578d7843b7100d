/** `parquetry/backend`: the configured backend without the tables, for programs that move bytes and want to start at once. */
export type { HashedBytes, HashedReads } from "@parquetry/backend-local";
export type { S3Uploads, UnfinishedUpload, UploadState } from "@parquetry/backend-s3";
export { DEFAULT_ENV_PREFIXES } from "./environment.ts";
export { getBackend } from "./get-backend.ts";
export { openBackend } from "./open-backend.ts";
export { type ConfigOptions, readStorageConfig } from "./storage-config.ts";
