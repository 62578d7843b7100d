import type { ColumnMetaData, CompressionCodec, FileMetaData, ParquetType, RowGroup } from "hyparquet";
import { Buffer } from "#platform";
import { THRIFT, ThriftReader } from "./guard/thrift-reader.ts";
import { TRAILER_BYTES } from "./parse-footer.ts";

/** The parts of a footer in which files with the same columns differ. */
export type FooterRows = Pick<FileMetaData, "num_rows" | "row_groups" | "created_by">;

/** Numbers of Parquet's enumerations (parquet.thrift). */
const TYPES: readonly ParquetType[] = [
  "BOOLEAN",
  "INT32",
  "INT64",
  "INT96",
  "FLOAT",
  "DOUBLE",
  "BYTE_ARRAY",
  "FIXED_LEN_BYTE_ARRAY",
];
const CODECS: readonly CompressionCodec[] = [
  "UNCOMPRESSED",
  "SNAPPY",
  "GZIP",
  "LZO",
  "BROTLI",
  "LZ4",
  "ZSTD",
  "LZ4_RAW",
];
/** Types of Thrift's compact protocol: {@link THRIFT} has the others. */
const I16 = 4;
const TEXT = 8;
const { TRUE, FALSE, I32, I64, LIST, STRUCT } = THRIFT;

/** The fields that a struct may have, with their types. */
type Fields = Readonly<Partial<Record<number, number>>>;
const FOOTER: Fields = { 1: I32, 2: LIST, 3: I64, 4: LIST, 5: LIST, 6: TEXT, 7: LIST };
const KEY_VALUE: Fields = { 1: TEXT, 2: TEXT };
const GROUP: Fields = { 1: LIST, 2: I64, 3: I64, 5: I64, 6: I64, 7: I16 };
/** Without the fields of encrypted columns, and of columns in other files. */
const CHUNK: Fields = { 2: I64, 3: STRUCT, 4: I64, 5: I32, 6: I64, 7: I32 };
const COLUMN: Fields = {
  1: I32,
  2: LIST,
  3: LIST,
  4: I32,
  5: I64,
  6: I64,
  7: I64,
  9: I64,
  11: I64,
  12: STRUCT,
  13: LIST,
  14: I64,
  15: I32,
  16: STRUCT,
};
const STATISTICS: Fields = { 1: TEXT, 2: TEXT, 3: I64, 4: I64, 5: TEXT, 6: TEXT, 7: TRUE, 8: TRUE };
/** The size of a bound in statistics. */
const BOUND_BYTES: Readonly<Partial<Record<ParquetType, number>>> = {
  BOOLEAN: 1,
  INT32: 4,
  INT64: 8,
  FLOAT: 4,
  DOUBLE: 8,
};

/** A footer has something that {@link readFooterRows} leaves to the general reader. */
class Unusual extends Error {}

/** Returns a copy of the bytes of a footer that describe its columns, or undefined if it has none. */
export function columnBytes(footer: Uint8Array): Uint8Array | undefined {
  const reader = new ThriftReader(footer.subarray(0, -TRAILER_BYTES), 0);
  let found: Uint8Array | undefined;
  reader.struct((id, type) => {
    if (id !== 2) return false;
    const from = reader.offset;
    reader.skip(type);
    found = new Uint8Array(reader.bytes.subarray(from, reader.offset));
    return true;
  });
  return found;
}

/**
 * Reads the row groups of a footer whose columns are known from another file, without their statistics.
 *
 * @param columns the {@link columnBytes} of the known footer.
 * @returns undefined if its columns differ or anything in it is unusual: the general reader then reads the footer, or says what is
 * wrong with it.
 */
export function readFooterRows(footer: Uint8Array, columns: Uint8Array): FooterRows | undefined {
  try {
    return readRows(footer, columns);
  } catch {
    // ThriftReader throws where a footer is damaged.
    return undefined;
  }
}

function readRows(footer: Uint8Array, columns: Uint8Array): FooterRows | undefined {
  const reader = new ThriftReader(footer.subarray(0, -TRAILER_BYTES), 0);
  let isKnown = false;
  let rows: bigint | undefined;
  let groups: RowGroup[] | undefined;
  let createdBy: string | undefined;
  readStruct(reader, FOOTER, (id, type) => {
    if (id === 2) {
      const from = reader.offset;
      reader.skip(type);
      if (Buffer.compare(reader.bytes.subarray(from, reader.offset), columns) !== 0) throw new Unusual();
      isKnown = true;
    } else if (id === 3) rows = int64(reader);
    else if (id === 4) groups = list(reader, STRUCT, () => rowGroup(reader));
    else if (id === 5) forItems(reader, STRUCT, () => readStruct(reader, KEY_VALUE, () => false));
    else if (id === 6) createdBy = reader.text();
    else if (id === 7) forItems(reader, STRUCT, () => reader.skip(STRUCT));
    else return false;
    return true;
  });
  if (!isKnown || rows === undefined || groups === undefined) return undefined;
  return {
    num_rows: rows,
    row_groups: groups,
    ...(createdBy === undefined ? {} : { created_by: createdBy }),
  };
}

function rowGroup(reader: ThriftReader): RowGroup {
  let columns: RowGroup["columns"] | undefined;
  let bytes: bigint | undefined;
  let rows: bigint | undefined;
  readStruct(reader, GROUP, (id) => {
    if (id === 1) columns = list(reader, STRUCT, () => columnChunk(reader));
    else if (id === 2) bytes = int64(reader);
    else if (id === 3) rows = int64(reader);
    else return false;
    return true;
  });
  return { columns: required(columns), total_byte_size: required(bytes), num_rows: required(rows) };
}

function columnChunk(reader: ThriftReader): RowGroup["columns"][number] {
  let metadata: ColumnMetaData | undefined;
  readStruct(reader, CHUNK, (id) => {
    if (id !== 3) return false;
    metadata = columnMetadata(reader);
    return true;
  });
  return { file_offset: 0n, meta_data: required(metadata) };
}

function columnMetadata(reader: ThriftReader): ColumnMetaData {
  let path: string[] | undefined;
  let column: ParquetType | undefined;
  let codec: CompressionCodec | undefined;
  // By the numbers of their fields.
  const sizes: (bigint | undefined)[] = [];
  readStruct(reader, COLUMN, (id) => {
    if (id === 1) column = TYPES[reader.integer()];
    else if (id === 2) forItems(reader, I32, () => reader.integer());
    else if (id === 3) path = list(reader, TEXT, () => reader.text());
    else if (id === 4) codec = CODECS[reader.integer()];
    else if ((id >= 5 && id <= 7) || id === 9 || id === 11) sizes[id] = int64(reader);
    else if (id === 12) checkStatistics(reader, required(column));
    else if (id === 13) forItems(reader, STRUCT, () => reader.skip(STRUCT));
    else return false;
    return true;
  });
  const metadata: ColumnMetaData = {
    type: required(column),
    encodings: [],
    path_in_schema: required(path),
    codec: required(codec),
    num_values: required(sizes[5]),
    total_uncompressed_size: required(sizes[6]),
    total_compressed_size: required(sizes[7]),
    data_page_offset: required(sizes[9]),
  };
  // A spread would take V8 many times as long.
  if (sizes[11] !== undefined) metadata.dictionary_page_offset = sizes[11];
  return metadata;
}

/** Statistics are not needed, but a footer with damaged ones is refused, whatever file was read before. */
function checkStatistics(reader: ThriftReader, column: ParquetType): void {
  const expected = BOUND_BYTES[column];
  readStruct(reader, STATISTICS, (_, type) => {
    if (type !== TEXT) return false;
    const start = reader.offset;
    const bytes = reader.varint();
    if (expected !== undefined && bytes !== expected) throw new Unusual();
    reader.offset = start;
    return false;
  });
}

/** Calls `onField` for each field of a struct, which it may skip by returning false. */
function readStruct(
  reader: ThriftReader,
  fields: Fields,
  onField: (id: number, type: number) => boolean,
): void {
  reader.struct((id, type) => {
    if (fields[id] !== (type === FALSE ? TRUE : type)) throw new Unusual();
    return onField(id, type);
  });
}

/** Calls `read` for each item of a list. */
function forItems(reader: ThriftReader, itemType: number, read: () => void): void {
  const head = reader.listHeader();
  if (head.type !== itemType) throw new Unusual();
  for (let i = 0; i < head.size; i++) read();
}

function list<T>(reader: ThriftReader, itemType: number, read: () => T): T[] {
  const items: T[] = [];
  forItems(reader, itemType, () => {
    items.push(read());
  });
  return items;
}

function int64(reader: ThriftReader): bigint {
  const value = reader.varint();
  // A larger one has lost digits here.
  if (value > Number.MAX_SAFE_INTEGER) throw new Unusual();
  return BigInt(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Unusual();
  return value;
}
