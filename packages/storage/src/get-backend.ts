import type { StorageBackend } from "@parquetry/core/backend";
import { checkOptions } from "@parquetry/core/unstable";
import { openConfig } from "./open-config.ts";
import { CONFIG_OPTIONS, type ConfigOptions } from "./storage-config.ts";

/**
 * Opens the backend that the environment names, as `getStorage` does, without the tables on top of it.
 *
 * @throws StorageError `invalid_argument` naming every missing or invalid variable, or a data root that is not a folder.
 * @example
 * ```ts
 * const bucket = await getBackend({ backend: "r2" });
 * ```
 */
export async function getBackend(options: ConfigOptions = {}): Promise<StorageBackend> {
  checkOptions(options, CONFIG_OPTIONS, "getBackend");
  // Loads the schema library, which a program that only opens a path does not need.
  const { parseConfig } = await import("./read-storage-config.ts");
  return openConfig(parseConfig(options), options.onRetry);
}
