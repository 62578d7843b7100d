export { DEFAULT_ENV_PREFIXES, type Environment } from "./environment.ts";
export { getBackend } from "./get-backend.ts";
export { getStorage, openStorage } from "./get-storage.ts";
export { openBackend } from "./open-backend.ts";
export { readStorageConfig } from "./read-storage-config.ts";
export type {
  AwsCredentials,
  BackendName,
  ConfigOptions,
  LocalConfig,
  R2Config,
  S3Config,
  StorageConfig,
  UriOptions,
} from "./storage-config.ts";
