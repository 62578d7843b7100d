import { Storage } from "@parquetry/core";
import { getBackend } from "./get-backend.ts";
import type { ConfigOptions } from "./storage-config.ts";

/**
 * Opens the storage that the environment names: `PARQUETRY_STORAGE_BACKEND` (`local`, `r2`, `s3`) and the variables of
 * that backend. Changing that one variable switches the backend; the program stays as it is.
 *
 * @throws StorageError `invalid_argument` naming every missing or bad variable, and a data root that is no folder.
 * @example
 * ```ts
 * const storage = await getStorage();
 * const rows = await storage.readIndex("raw/plays", { year: "2024" });
 * ```
 */
export async function getStorage(options: ConfigOptions = {}): Promise<Storage> {
  return new Storage(await getBackend(options));
}
