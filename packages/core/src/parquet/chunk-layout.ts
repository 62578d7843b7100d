import type { ColumnChunk, FileMetaData } from "hyparquet";
import { Buffer } from "#platform";
import { chunkRange } from "./column-chunks.ts";
import { listHeaderBytes, ThriftReader, zigzagBytes } from "./guard/index.ts";
import { parseFooter, TRAILER_BYTES } from "./parse-footer.ts";

export { TRAILER_BYTES };

export const MAGIC = "PAR1";
/** Two fields of Parquet's FileMetaData. */
const NUM_ROWS = 3;
const ROW_GROUPS = 4;

/** The bytes that hold the values of one column of one row group. */
export interface ChunkPlace {
  /** The path of the column; its first name is the column of the table. */
  readonly path: readonly string[];
  /** The offset of its first byte. */
  readonly start: number;
  /** The offset after its last byte. */
  readonly end: number;
  /** The least and greatest value, for signed whole numbers where the footer has them. */
  readonly range?: { readonly min: number | bigint; readonly max: number | bigint } | undefined;
}

/** The rows and column chunks of one row group. */
export interface RowGroupPlace {
  /** Its number of rows. */
  readonly rowCount: bigint;
  /** One for each leaf column. */
  readonly chunks: readonly ChunkPlace[];
}

/**
 * Returns the size of a Parquet file's footer with its trailer, read from the end of the file, or undefined where the file
 * does not end like a Parquet file.
 *
 * @example
 * ```ts
 * const size = footerBytes(await tailOf(file)) ?? 0; // footer and trailer
 * ```
 */
export function footerBytes(tail: Uint8Array): number | undefined {
  if (tail.byteLength < TRAILER_BYTES) return undefined;
  const trailer = Buffer.from(tail.buffer, tail.byteOffset + tail.byteLength - TRAILER_BYTES, TRAILER_BYTES);
  return trailer.toString("latin1", 4) === MAGIC ? trailer.readUInt32LE() + TRAILER_BYTES : undefined;
}

/**
 * Returns where the column chunks of a Parquet file are, for tools that fetch parts of a file.
 *
 * @param tail the end of the file, with the whole footer in it.
 * @throws Error where the footer cannot be read, or where columns are stored in other files.
 * @example
 * ```ts
 * const [first] = chunkLayout(tail);
 * first?.chunks.find(({ path }) => path[0] === "yards"); // { start: 4, end: 812, … }
 * ```
 */
export function chunkLayout(tail: Uint8Array): readonly RowGroupPlace[] {
  const metadata = parseFooter(tail.subarray(-(footerBytes(tail) ?? 0)));
  return metadata.row_groups.map(({ num_rows, columns }) => ({
    rowCount: num_rows,
    chunks: columns.map((chunk) => chunkPlace(chunk, metadata)),
  }));
}

/**
 * Returns a footer without some of its row groups. Everything else stays byte for byte.
 *
 * @param footer the footer with its trailer.
 * @param kept which row groups of `layout` stay.
 * @throws Error where the footer cannot be read.
 * @example
 * ```ts
 * const smaller = keepRowGroups(footer, layout, layout.map((_, i) => i === 0)); // the first one only
 * ```
 */
export function keepRowGroups(
  footer: Uint8Array,
  layout: readonly RowGroupPlace[],
  kept: readonly boolean[],
): Uint8Array {
  const reader = new ThriftReader(footer, 0);
  const pieces: Uint8Array[] = [];
  let copied = 0;
  const replace = (from: number, replacement: readonly Uint8Array[]): true => {
    pieces.push(footer.subarray(copied, from), ...replacement);
    copied = reader.offset;
    return true;
  };
  reader.struct((id, type) => {
    const start = reader.offset;
    if (id === NUM_ROWS) {
      reader.skip(type);
      const rows = layout.reduce((sum, { rowCount }, i) => (kept[i] === true ? sum + rowCount : sum), 0n);
      return replace(start, [zigzagBytes(Number(rows))]);
    }
    if (id !== ROW_GROUPS) return false;
    const list = reader.listHeader();
    const groups = Array.from({ length: list.size }, () => {
      const from = reader.offset;
      reader.skip(list.type);
      return footer.subarray(from, reader.offset);
    }).filter((_, i) => kept[i]);
    return replace(start, [listHeaderBytes(groups.length, list.type), ...groups]);
  });
  pieces.push(footer.subarray(copied, reader.offset));
  const thrift = Buffer.concat(pieces);
  const trailer = Buffer.from(`\0\0\0\0${MAGIC}`, "latin1");
  trailer.writeUInt32LE(thrift.byteLength);
  return Buffer.concat([thrift, trailer]);
}

/**
 * Returns the bytes of a footer that say what the file's columns are: all of it but the row groups and the number of rows. Files in which
 * these are equal have one schema.
 *
 * @param footer the footer with its trailer.
 * @throws Error where the footer cannot be read.
 * @example
 * ```ts
 * Buffer.compare(schemaBytes(one), schemaBytes(other)) === 0; // true: both have the same columns
 * ```
 */
export function schemaBytes(footer: Uint8Array): Uint8Array {
  const reader = new ThriftReader(footer, 0);
  const pieces: Uint8Array[] = [];
  reader.struct((id, type) => {
    if (id === NUM_ROWS || id === ROW_GROUPS) return false;
    const from = reader.offset;
    reader.skip(type);
    pieces.push(Uint8Array.of(id & 0xff, type), footer.subarray(from, reader.offset));
    return true;
  });
  if (reader.offset !== footer.byteLength - TRAILER_BYTES)
    throw new Error("a footer has another length than its trailer says");
  return Buffer.concat(pieces);
}

function chunkPlace({ meta_data, file_path }: ColumnChunk, metadata: FileMetaData): ChunkPlace {
  if (meta_data === undefined || file_path !== undefined) throw new Error("a column lies in another file");
  const { path_in_schema: path, statistics } = meta_data;
  const { min_value: min, max_value: max } = statistics ?? {};
  const known = isNumber(min) && isNumber(max) && holdsIntegers(path, metadata);
  return { path, ...chunkRange(meta_data), ...(known ? { range: { min, max } } : {}) };
}

/** Dates, times and decimals are stored as whole numbers too, but are not the numbers that they are stored as. */
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
