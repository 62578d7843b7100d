/**
 * Why a file is left out by default: macOS's AppleDouble shadows and folder settings, what writers leave half done, and what
 * an operating system keeps on each of its drives.
 */
export type LeftOutClass = "apple_double" | "ds_store" | "temporary" | "system";

const TEMPORARY_NAME = /(?:\.(?:tmp|temp|part|partial|crdownload|swp|lock)|~)$/i;
const TEMPORARY_FOLDERS: ReadonlySet<string> = new Set([
  "_temporary",
  ".spark-staging",
  ".ipynb_checkpoints",
]);

/** What macOS, Linux and Windows make at the top of a drive, mostly for themselves alone. */
const SYSTEM_FOLDER =
  /^(?:\.Spotlight-V100|\.Trashes|\.Trash-\d+|\.fseventsd|\.TemporaryItems|\.DocumentRevisions-V100|lost\+found|\$RECYCLE\.BIN|System Volume Information)\//;

/** No file yet, of any class. */
export function noneLeftOut(): Record<LeftOutClass, number> {
  return { apple_double: 0, ds_store: 0, temporary: 0, system: 0 };
}

/**
 * The class of files that no migration wants, or undefined for all others: `._*`, `.DS_Store`, and temporary files
 * (`*.tmp`, `*.temp`, `*.part`, `*.partial`, `*.crdownload`, `*.swp`, `*.lock`, `*~`, and all below `_temporary/`,
 * `.spark-staging/` and `.ipynb_checkpoints/`), and the folders of the system at the top of a drive: `.Trashes/`,
 * `.Spotlight-V100/`, `lost+found/` and their kin.
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
  if (SYSTEM_FOLDER.test(key)) return "system";
  return key.split("/").some((segment) => TEMPORARY_FOLDERS.has(segment)) ? "temporary" : undefined;
}
