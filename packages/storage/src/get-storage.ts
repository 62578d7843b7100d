import { Storage } from "@parquetry/core";
import { getBackend } from "./get-backend.ts";
import { openBackend } from "./open-backend.ts";
import type { ConfigOptions, UriOptions } from "./storage-config.ts";

/**
 * Opens the storage that the environment names: `PARQUETRY_STORAGE_BACKEND` (`local`, `r2`, `s3`) and the variables of that
 * backend. To switch the backend, change that one variable; the program stays the same.
 *
 * @throws StorageError `invalid_argument` naming every missing or invalid variable, or a data root that is not a folder.
 * @example
 * ```ts
 * const storage = await getStorage();
 * const rows = await storage.readIndex("raw/plays", { year: "2024" });
 * ```
 */
export async function getStorage(options: ConfigOptions = {}): Promise<Storage> {
  return new Storage(await getBackend(options));
}

/**
 * Opens the storage at a URI: a path, `file:///…`, `s3://bucket/prefix` or `r2://bucket/prefix`. Credentials, endpoint and
 * region come from the environment, as in `getStorage`.
 *
 * @throws StorageError `invalid_argument` for an invalid URI, and as `getStorage`.
 * @example
 * ```ts
 * const archive = await openStorage("r2://football/archive");
 * ```
 */
export async function openStorage(uri: string, options: UriOptions = {}): Promise<Storage> {
  return new Storage(await openBackend(uri, options));
}
