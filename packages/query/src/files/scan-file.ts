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
