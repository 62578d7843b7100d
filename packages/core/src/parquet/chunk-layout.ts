import { type ColumnChunk, type FileMetaData, parquetMetadata } from "hyparquet";
import { chunkRange } from "./column-chunks.ts";

/** Where the values of one column of one row group lie in a Parquet file. */
export interface ChunkPlace {
  /** The column, from the top down: the first is the column of the table. */
  readonly path: readonly string[];
  /** Its first byte. */
  readonly start: number;
  /** The byte after its last. */
  readonly end: number;
  /** The least and the greatest value, where it holds signed whole numbers and the file says. */
  readonly range?: { readonly min: number | bigint; readonly max: number | bigint } | undefined;
}

/** A row group's place in a Parquet file. */
export interface RowGroupPlace {
  /** How many rows it has. */
  readonly rowCount: bigint;
  /** Its columns. */
  readonly chunks: readonly ChunkPlace[];
}

/**
 * Tells where the bytes of a Parquet file lie: for tools that fetch parts of one.
 *
 * @param tail the end of the file, with the whole footer in it.
 * @throws Error where the footer is none, or where columns lie in other files.
 * @example
 * ```ts
 * const [first] = chunkLayout(tail);
 * first?.chunks.find(({ path }) => path[0] === "yards"); // { start: 4, end: 812, … }
 * ```
 */
export function chunkLayout(tail: Uint8Array): readonly RowGroupPlace[] {
  const metadata = parquetMetadata(new Uint8Array(tail).buffer);
  return metadata.row_groups.map(({ num_rows, columns }) => ({
    rowCount: num_rows,
    chunks: columns.map((chunk) => chunkPlace(chunk, metadata)),
  }));
}

function chunkPlace({ meta_data, file_path }: ColumnChunk, metadata: FileMetaData): ChunkPlace {
  if (meta_data === undefined || file_path !== undefined) throw new Error("a column lies in another file");
  const { path_in_schema: path, statistics } = meta_data;
  const { min_value: min, max_value: max } = statistics ?? {};
  const known = isNumber(min) && isNumber(max) && holdsIntegers(path, metadata);
  return { path, ...chunkRange(meta_data), ...(known ? { range: { min, max } } : {}) };
}

/** Dates, times and decimals are stored as whole numbers too, and mean others. */
function holdsIntegers(path: readonly string[], { schema }: FileMetaData): boolean {
  const element = schema.find(({ name, num_children }) => name === path[0] && !num_children);
  if (path.length !== 1 || element === undefined) return false;
  const { type, converted_type, logical_type } = element;
  if (type !== "INT32" && type !== "INT64") return false;
  if (converted_type !== undefined && !/^INT_(?:8|16|32|64)$/.test(converted_type)) return false;
  return logical_type === undefined || (logical_type.type === "INTEGER" && logical_type.isSigned);
}

const isNumber = (value: unknown): value is number | bigint =>
  typeof value === "number" || typeof value === "bigint";
