/**
 * The class of a file that is left out by default: AppleDouble files and folder settings of macOS, temporary files of
 * writers, folders that an operating system keeps on each drive, and `.env` files, which hold keys.
 */
export type LeftOutClass = "apple_double" | "ds_store" | "temporary" | "system" | "env";

const TEMPORARY_NAME = /(?:\.(?:tmp|temp|part|partial|crdownload|swp|lock)|~)$/i;
const ENV_NAME = /^\.env\.|\.env$/;
const TEMPORARY_FOLDER = /(?:^|\/)(?:_temporary|\.spark-staging|\.ipynb_checkpoints)(?:\/|$)/;

/** The folders that macOS, Linux and Windows create at the top of a drive. */
const SYSTEM_FOLDER =
  /^(?:\.Spotlight-V100|\.Trashes|\.Trash-\d+|\.fseventsd|\.TemporaryItems|\.DocumentRevisions-V100|lost\+found|\$RECYCLE\.BIN|System Volume Information)\//;

/** Returns a count of zero for each class. */
export function noneLeftOut(): Record<LeftOutClass, number> {
  return { apple_double: 0, ds_store: 0, temporary: 0, system: 0, env: 0 };
}

/**
 * Returns the class of a file that is left out by default, or undefined: `._*`, `.DS_Store`, temporary files (`*.tmp`,
 * `*.temp`, `*.part`, `*.partial`, `*.crdownload`, `*.swp`, `*.lock`, `*~`, and everything below `_temporary/`,
 * `.spark-staging/` and `.ipynb_checkpoints/`), the system's folders at the top of a drive, such as `.Trashes/`,
 * `.Spotlight-V100/` and `lost+found/`, and `.env`, `.env.*` and `*.env`.
 *
 * @example
 * ```ts
 * leftOutClass("raw/plays/._part-0.parquet"); // "apple_double"
 * leftOutClass("raw/plays/part-0.parquet"); // undefined
 * ```
 */
export function leftOutClass(key: string): LeftOutClass | undefined {
  const slash = key.lastIndexOf("/");
  const name = key.slice(slash + 1);
  if (name.startsWith("._")) return "apple_double";
  if (name === ".DS_Store") return "ds_store";
  if (ENV_NAME.test(name)) return "env";
  if (TEMPORARY_NAME.test(name)) return "temporary";
  if (slash < 0) return undefined;
  if (SYSTEM_FOLDER.test(key)) return "system";
  return TEMPORARY_FOLDER.test(key) ? "temporary" : undefined;
}
