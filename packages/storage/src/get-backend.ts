import type { StorageBackend } from "@parquetry/core/backend";
import { openConfig } from "./open-config.ts";
import { type ConfigOptions, readStorageConfig } from "./storage-config.ts";

/**
 * Opens the backend that the environment names, as `getStorage` does, without the tables over it.
 *
 * @throws StorageError `invalid_argument` naming every missing or bad variable, and a data root that is no folder.
 * @example
 * ```ts
 * const bucket = await getBackend({ backend: "r2" });
 * ```
 */
export async function getBackend(options: ConfigOptions = {}): Promise<StorageBackend> {
  return openConfig(readStorageConfig(options), options.onRetry);
}
