/** Why a file is left out by default: macOS's AppleDouble shadows and folder settings, and what writers leave half done. */
export type LeftOutClass = "apple_double" | "ds_store" | "temporary";

const TEMPORARY_NAME = /(?:\.(?:tmp|temp|part|partial|crdownload|swp|lock)|~)$/i;
const TEMPORARY_FOLDERS: ReadonlySet<string> = new Set([
  "_temporary",
  ".spark-staging",
  ".ipynb_checkpoints",
]);

/**
 * The class of files that no migration wants, or undefined for all others: `._*`, `.DS_Store`, and temporary files
 * (`*.tmp`, `*.temp`, `*.part`, `*.partial`, `*.crdownload`, `*.swp`, `*.lock`, `*~`, and all below `_temporary/`,
 * `.spark-staging/` and `.ipynb_checkpoints/`).
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
  if (TEMPORARY_NAME.test(name)) return "temporary";
  if (slash < 0) return undefined;
  return key.split("/").some((segment) => TEMPORARY_FOLDERS.has(segment)) ? "temporary" : undefined;
}
