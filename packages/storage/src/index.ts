export { isStorageError, Partition, partition, Storage, StorageError } from "@parquetry/core";
export { DEFAULT_ENV_PREFIXES, type Environment } from "./environment.ts";
export { getStorage } from "./get-storage.ts";
export { openBackend } from "./open-backend.ts";
export {
  type AwsCredentials,
  type BackendName,
  type ConfigOptions,
  type LocalConfig,
  type R2Config,
  readStorageConfig,
  type S3Config,
  type StorageConfig,
} from "./storage-config.ts";
