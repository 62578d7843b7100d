import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where fetched files are kept by default: `PARQUETRY_CACHE_DIR`, else the system's place for caches.
 *
 * @example
 * ```ts
 * defaultCacheDirectory({}); // ~/.cache/parquetry on Linux, spelled out
 * ```
 */
export function defaultCacheDirectory(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const given = env["PARQUETRY_CACHE_DIR"];
  if (given) return given;
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "parquetry");
  if (process.platform === "win32") {
    return join(env["LOCALAPPDATA"] ?? join(homedir(), "AppData", "Local"), "parquetry", "Cache");
  }
  return join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "parquetry");
}
