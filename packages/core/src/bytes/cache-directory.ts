import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Returns the folder of Parquetry's caches: `PARQUETRY_CACHE_DIR`, else `parquetry` in the system's folder for caches.
 *
 * @example
 * ```ts
 * defaultCacheDirectory({ HOME: "/home/me" }); // "/home/me/.cache/parquetry" on Linux
 * ```
 */
export function defaultCacheDirectory(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const given = env["PARQUETRY_CACHE_DIR"];
  if (given) return given;
  const home = env["HOME"] || homedir();
  if (process.platform === "darwin") return join(home, "Library", "Caches", "parquetry");
  if (process.platform === "win32") {
    return join(env["LOCALAPPDATA"] || join(homedir(), "AppData", "Local"), "parquetry", "Cache");
  }
  return join(env["XDG_CACHE_HOME"] || join(home, ".cache"), "parquetry");
}
