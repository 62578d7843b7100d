import type { ColumnSchema, ColumnType } from "../column-type.ts";
import type { Bound } from "./bounds.ts";
import type { ByteSink } from "./byte-sink.ts";
import type { LeafType } from "./shred.ts";
import { ELEMENT, ThriftWriter } from "./thrift-writer.ts";
import type { WrittenChunk } from "./write-chunk.ts";

/** Numbers of Parquet's enumerations (parquet.thrift). */
const TYPE = { BOOLEAN: 0, INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6 } as const;
const CONVERTED = { UTF8: 0, LIST: 3, TIMESTAMP_MICROS: 10, JSON: 19 } as const;
/** Fields of the union LogicalType. */
const LOGICAL = { STRING: 1, LIST: 3, TIMESTAMP: 8, NULL: 11, JSON: 12 } as const;
const OPTIONAL = 1;
const REPEATED = 2;
const SNAPPY = 1;

/** How leaves are stored: their type, their converted type, and their logical type. */
const STORED: Readonly<
  Record<LeafType, { readonly type: number; readonly converted?: number; readonly logical?: number }>
> = {
  int64: { type: TYPE.INT64 },
  double: { type: TYPE.DOUBLE },
  boolean: { type: TYPE.BOOLEAN },
  string: { type: TYPE.BYTE_ARRAY, converted: CONVERTED.UTF8, logical: LOGICAL.STRING },
  timestamp: { type: TYPE.INT64, converted: CONVERTED.TIMESTAMP_MICROS, logical: LOGICAL.TIMESTAMP },
  binary: { type: TYPE.BYTE_ARRAY },
  json: { type: TYPE.BYTE_ARRAY, converted: CONVERTED.JSON, logical: LOGICAL.JSON },
  null: { type: TYPE.INT32, logical: LOGICAL.NULL },
};

/** A row group as the footer describes it. */
export interface WrittenGroup {
  readonly rows: number;
  readonly chunks: readonly WrittenChunk[];
}

/** Appends the footer of a file without its trailer (parquet.thrift, FileMetaData). */
export function writeFooter(
  sink: ByteSink,
  columns: readonly ColumnSchema[],
  groups: readonly WrittenGroup[],
  createdBy: string,
): void {
  const thrift = new ThriftWriter(sink);
  thrift.i32(1, 2);
  thrift.list(2, ELEMENT.STRUCT, 1 + columns.reduce((sum, { type }) => sum + elementsOf(type), 0));
  writeGroupElement(thrift, "schema", undefined, columns.length);
  for (const { name, type } of columns) writeElements(thrift, name, type);
  thrift.i64(
    3,
    groups.reduce((sum, { rows }) => sum + rows, 0),
  );
  thrift.list(4, ELEMENT.STRUCT, groups.length);
  for (const group of groups) writeRowGroup(thrift, group);
  thrift.text(6, createdBy);
  const leaves = columns.reduce((sum, { type }) => sum + leavesIn(type), 0);
  thrift.list(7, ELEMENT.STRUCT, leaves);
  for (let i = 0; i < leaves; i++) {
    thrift.beginItem();
    // The order that is defined for each type, without which readers ignore the bounds.
    thrift.empty(1);
    thrift.end();
  }
  thrift.end();
}

/** Returns the number of schema elements of a column. */
function elementsOf(type: ColumnType): number {
  if (typeof type === "string") return 1;
  if ("list" in type) return 2 + elementsOf(type.list);
  return 1 + type.struct.reduce((sum, field) => sum + elementsOf(field.type), 0);
}

function leavesIn(type: ColumnType): number {
  if (typeof type === "string") return 1;
  if ("list" in type) return leavesIn(type.list);
  return type.struct.reduce((sum, field) => sum + leavesIn(field.type), 0);
}

/** Appends a column's schema elements, depth first (parquet-format, LogicalTypes.md). */
function writeElements(thrift: ThriftWriter, name: string, type: ColumnType): void {
  if (typeof type === "string") writeLeafElement(thrift, name, type);
  else if ("struct" in type) {
    writeGroupElement(thrift, name, OPTIONAL, type.struct.length);
    for (const field of type.struct) writeElements(thrift, field.name, field.type);
  } else {
    writeGroupElement(thrift, name, OPTIONAL, 1, true);
    writeGroupElement(thrift, "list", REPEATED, 1);
    writeElements(thrift, "element", type.list);
  }
}

function writeGroupElement(
  thrift: ThriftWriter,
  name: string,
  repetition: number | undefined,
  children: number,
  isList = false,
): void {
  thrift.beginItem();
  if (repetition !== undefined) thrift.i32(3, repetition);
  thrift.text(4, name);
  thrift.i32(5, children);
  if (isList) {
    thrift.i32(6, CONVERTED.LIST);
    thrift.begin(10);
    thrift.empty(LOGICAL.LIST);
    thrift.end();
  }
  thrift.end();
}

function writeLeafElement(thrift: ThriftWriter, name: string, leaf: LeafType): void {
  const { type, converted, logical } = STORED[leaf];
  thrift.beginItem();
  thrift.i32(1, type);
  thrift.i32(3, OPTIONAL);
  thrift.text(4, name);
  if (converted !== undefined) thrift.i32(6, converted);
  if (logical !== undefined) {
    thrift.begin(10);
    thrift.begin(logical);
    if (logical === LOGICAL.TIMESTAMP) {
      // In UTC, in microseconds.
      thrift.bool(1, true);
      thrift.begin(2);
      thrift.empty(2);
      thrift.end();
    }
    thrift.end();
    thrift.end();
  }
  thrift.end();
}

function writeRowGroup(thrift: ThriftWriter, { rows, chunks }: WrittenGroup): void {
  thrift.beginItem();
  thrift.list(1, ELEMENT.STRUCT, chunks.length);
  for (const chunk of chunks) {
    thrift.beginItem();
    thrift.i64(2, chunk.start);
    thrift.begin(3);
    writeColumnMetadata(thrift, chunk);
    thrift.end();
    thrift.end();
  }
  thrift.i64(
    2,
    chunks.reduce((sum, { uncompressedBytes }) => sum + uncompressedBytes, 0),
  );
  thrift.i64(3, rows);
  thrift.i64(
    6,
    chunks.reduce((sum, { compressedBytes }) => sum + compressedBytes, 0),
  );
  thrift.end();
}

function writeColumnMetadata(thrift: ThriftWriter, chunk: WrittenChunk): void {
  const { place, start, dictionaryBytes, encodings, pages } = chunk;
  thrift.i32(1, STORED[place.type].type);
  thrift.list(2, ELEMENT.I32, encodings.length);
  for (const encoding of encodings) thrift.item(encoding);
  thrift.list(3, ELEMENT.TEXT, place.path.length);
  for (const name of place.path) thrift.textItem(name);
  thrift.i32(4, SNAPPY);
  thrift.i64(5, chunk.slots);
  thrift.i64(6, chunk.uncompressedBytes);
  thrift.i64(7, chunk.compressedBytes);
  thrift.i64(9, start + dictionaryBytes);
  if (dictionaryBytes > 0) thrift.i64(11, start);
  thrift.begin(12);
  writeStatistics(thrift, chunk.nulls, chunk.min, chunk.max);
  thrift.end();
  thrift.list(13, ELEMENT.STRUCT, pages.length);
  for (const { type, encoding, count } of pages) {
    thrift.beginItem();
    thrift.i32(1, type);
    thrift.i32(2, encoding);
    thrift.i32(3, count);
    thrift.end();
  }
}

function writeStatistics(
  thrift: ThriftWriter,
  nulls: number,
  min: Bound | undefined,
  max: Bound | undefined,
): void {
  thrift.i64(3, nulls);
  if (max !== undefined) thrift.bytes(5, max.bytes);
  if (min !== undefined) thrift.bytes(6, min.bytes);
  if (max !== undefined) thrift.bool(7, max.isExact);
  if (min !== undefined) thrift.bool(8, min.isExact);
}
