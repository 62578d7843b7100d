import type { PartitionEntry } from "@parquetry/core";
import type { ScanFile } from "../../files/scan-file.ts";

/** A column: its name and its SQL type. */
export interface QueryColumn {
  /** Its name. */
  readonly name: string;
  /** Its SQL type, such as `BIGINT` or `VARCHAR[]`. */
  readonly type: string;
}

/** A column of files. */
export interface FileColumn extends QueryColumn {
  /** Its name in the files, where SQL calls it by another. */
  readonly source?: string | undefined;
}

/** A table as SQL sees it. */
interface TableShape {
  /** The names by which the query calls it. */
  readonly names: readonly string[];
  /** Its columns without the partition keys. */
  readonly columns: readonly QueryColumn[];
  /** Its partition keys, outermost first. */
  readonly keys: readonly QueryColumn[];
}

/** A table while its partitions are being chosen. */
export interface CandidateTable extends TableShape {
  readonly entity: string;
  /** The partitions to choose from. Absent where none are known yet. */
  readonly candidates?: readonly (readonly PartitionEntry[])[] | undefined;
}

/** A table as it is scanned: every group of files is converted to its columns. */
export interface ScanTable extends TableShape {
  readonly groups: readonly FileGroup[];
}

/** Files of one table that have the same columns of the same types and the same partition keys. */
export interface FileGroup {
  readonly files: readonly ScanFile[];
  /** The columns of each file, in order. */
  readonly columns: readonly FileColumn[];
}
