import type { ChunkDescription, ParquetDescription } from "@parquetry/core/unstable/tables";
import type {
  QueryColumn,
  QueryDatabase,
  QueryExplanation,
  QueryProgress,
  QueryStats,
} from "@parquetry/query";
import type { ComparedFile, FileVerdict } from "./comparison.ts";
import type { PartitionTable } from "./map/partitions.ts";
import type { QueryRequests, RequestPrice } from "./price.ts";

/** The answers of the server to the page, which imports these types, too. */

/** The tables of the place, and how far they are listed. */
export interface Overview {
  readonly root: string;
  /** Whether a second place is shown next to it. */
  readonly isCompared: boolean;
  /** Whether migrations are shown. */
  readonly hasRuns: boolean;
  readonly listing: ListingState;
  readonly tables: readonly TableCard[];
}

/** The state of a listing. */
export interface ListingState {
  readonly isDone: boolean;
  /** Whether the gaps, and the rows and the drift of small tables, are known as well. */
  readonly isInspected: boolean;
  readonly objects: number;
  /** Why the listing ended early. */
  readonly error: string | undefined;
}

/** The sums of a table. */
export interface TableCard {
  readonly entity: string;
  readonly keys: readonly string[];
  readonly partitions: number;
  readonly files: number;
  readonly bytes: number;
  readonly newest: number;
  readonly smallFiles: number;
  readonly strays: number;
  readonly strayExamples: readonly string[];
  /** Files by size class. */
  readonly sizes: readonly number[];
  /** How many partitions are missing on the map, as soon as it is known. */
  readonly gaps?: number | undefined;
  /** The rows, and the number of columns whose types differ, if every partition was inspected. */
  readonly rows?: number | undefined;
  readonly drifting?: number | undefined;
  /** How many files of it could not be read. */
  readonly unreadable?: number | undefined;
}

/** The partitions of a table. The newest write of each is in minutes since 1970. */
export type TableData = PartitionTable<"files" | "bytes" | "newestMinute">;

/** Rows of each partition, and the NULLs in one column of it. */
export interface PartitionCounts {
  readonly values: readonly (readonly unknown[])[];
  readonly rows: readonly number[];
  readonly nulls: readonly number[] | undefined;
}

/** The first files of a folder. */
export interface FileList {
  readonly files: readonly {
    readonly key: string;
    readonly sizeBytes: number;
    readonly lastModified: number;
  }[];
  readonly more: boolean;
}

/** Numbers of files. */
export type VerdictCounts = Record<FileVerdict, number>;

/** The files of a table in two places. Files that belong to no table have the name "". */
export interface ComparedTable {
  readonly entity: string;
  readonly total: VerdictCounts;
  readonly bytes: number;
}

/** Two places, and how far they are compared. */
export interface ComparisonOverview {
  readonly from: string;
  readonly to: string;
  readonly isDone: boolean;
  /** Why the comparison ended early, or is not complete. */
  readonly error: string | undefined;
  readonly files: number;
  readonly tables: readonly ComparedTable[];
}

/** The partitions of a table in two places: their files by verdict. */
export type ComparisonTable = PartitionTable<FileVerdict>;

/** The first files that are not equal. */
export interface UnequalFiles {
  readonly files: readonly ComparedFile[];
  readonly more: boolean;
}

/** The keys and columns of a table. */
export type Description = Awaited<ReturnType<QueryDatabase["describe"]>>;

/** The reads of a query, and their cost at the store. */
export interface Explanation extends QueryExplanation {
  /** Absent where requests are free: on a disk. */
  readonly requests?: QueryRequests | undefined;
  readonly price?: RequestPrice | undefined;
}

/** A column whose types differ between partitions. */
export interface DriftColumn {
  readonly column: string;
  /** The types, the most frequent first, with the first and the last partition of each in the order of the paths. */
  readonly types: readonly {
    readonly type: string;
    readonly partitions: number;
    readonly first: string;
    readonly last: string;
  }[];
  /** For each partition, or for parts of equally many: the index of its type. */
  readonly parts: readonly number[];
  /** The type that SQL gives the column; absent if it has to be declared. */
  readonly joined: string | undefined;
}

/** The rows of a table, and the columns whose types differ between partitions. */
export interface DriftReport {
  readonly rows: number;
  readonly partitions: number;
  readonly columns: readonly DriftColumn[];
  /** Why some files could not be read. */
  readonly unreadable: readonly string[];
}

/** A column chunk, with values as text. */
export interface FileChunk extends Omit<ChunkDescription, "path" | "min" | "max"> {
  readonly column: string;
  readonly min: string | undefined;
  readonly max: string | undefined;
}

/** The row groups of a Parquet file. */
export interface FileDescription extends Omit<ParquetDescription, "rowGroups"> {
  readonly rowGroups: readonly { readonly rows: number; readonly chunks: readonly FileChunk[] }[];
  readonly moreRowGroups: number;
}

/** What `compact` would do. */
export interface CompactionEstimate {
  /** The partitions that would become one file each, and the files and bytes that they have now. */
  readonly partitions: number;
  readonly files: number;
  readonly bytes: number;
  /** Partitions that would stay, by reason. */
  readonly unchanged: readonly { readonly reason: string; readonly partitions: number }[];
  /** Why some partitions cannot be merged. */
  readonly problems: readonly string[];
}

/** A query that was started. */
export interface QueryState {
  readonly id: string;
  readonly sql: string;
  readonly state: "running" | "done" | "failed" | "stopped";
  readonly columns: readonly QueryColumn[];
  readonly rows: number;
  /** True if the result has more rows than are kept. */
  readonly isCut: boolean;
  readonly elapsedMs: number;
  readonly progress: QueryProgress | undefined;
  readonly stats: QueryStats | undefined;
  readonly error: string | undefined;
}

/** The NULLs and the distribution of a column. */
export interface ColumnSummary {
  readonly name: string;
  /** How many rows were looked at. */
  readonly rows: number;
  readonly nulls: number;
  /** Of numbers: the least and the greatest, and how many values are in each of equal parts between them. */
  readonly range?:
    | { readonly least: number; readonly most: number; readonly bars: readonly number[] }
    | undefined;
  /** Of other values: how many different ones there are, and the most frequent. */
  readonly distinct?:
    | {
        readonly count: number;
        readonly isMore: boolean;
        readonly top: readonly (readonly [string, number])[];
      }
    | undefined;
}
