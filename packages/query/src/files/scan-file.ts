import type { PartitionEntry } from "@parquetry/core";

/** A file that DuckDB can scan. */
export interface ScanFile {
  /** `local`: on this machine. `remote`: in a store that DuckDB reads directly. */
  readonly kind: "local" | "remote";
  /** Its absolute path, or its URL. */
  readonly path: string;
  /** A file with its whole footer, where the file at `path` lacks row groups that the query cannot need. */
  readonly footerPath?: string | undefined;
  /** A name that changes with its content. */
  readonly version: string;
  /** Its key in the store. */
  readonly key: string;
  readonly entries: readonly PartitionEntry[];
  /** The columns that are NULL throughout and were left out of the file. */
  readonly nullColumns?: readonly string[] | undefined;
}

/** Names of folders in which DuckDB sees no key, or another one: with `?`, a line break, a backslash or a second `=`. */
const UNSEEN = /[?\n\\]|=[^/]*=/;

/**
 * Identifies what DuckDB sees in the names of a file's own folders if it is not the key. It refuses a scan of files in which it
 * sees different keys, although it takes the keys from the scratch path. Hive escapes such names, Polars does not.
 */
export function unseenKeys(key: string): string {
  if (!UNSEEN.test(key)) return "";
  const seen = key.split("/").map((name) => {
    if (!UNSEEN.test(name)) return "";
    return name.includes("\\") ? name : name.replace(/[^=?\n]/g, "");
  });
  return seen.slice(0, -1).join("/");
}
