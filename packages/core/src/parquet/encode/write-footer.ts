import type { ColumnSchema, ColumnType } from "../column-type.ts";
import type { Bound } from "./bounds.ts";
import type { ByteSink } from "./byte-sink.ts";
import type { LeafType } from "./shred.ts";
import { type Thrift, type ThriftField, writeStruct } from "./thrift-writer.ts";
import type { WrittenChunk } from "./write-chunk.ts";

/** Numbers of Parquet's enumerations (parquet.thrift). */
const TYPE = { BOOLEAN: 0, INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6 } as const;
const CONVERTED = { UTF8: 0, LIST: 3, TIMESTAMP_MICROS: 10, JSON: 19 } as const;
const OPTIONAL = 1;
const REPEATED = 2;
const SNAPPY = 1;

const EMPTY: Thrift = { struct: [] };

/** How leaves are stored: their type, their converted type, and their logical type, as a field of its union. */
const STORED: Readonly<
  Record<LeafType, { readonly type: number; readonly converted?: number; readonly logical?: ThriftField }>
> = {
  int64: { type: TYPE.INT64 },
  double: { type: TYPE.DOUBLE },
  boolean: { type: TYPE.BOOLEAN },
  string: { type: TYPE.BYTE_ARRAY, converted: CONVERTED.UTF8, logical: [1, EMPTY] },
  timestamp: {
    type: TYPE.INT64,
    converted: CONVERTED.TIMESTAMP_MICROS,
    // In UTC, in microseconds.
    logical: [
      8,
      {
        struct: [
          [1, { bool: true }],
          [2, { struct: [[2, EMPTY]] }],
        ],
      },
    ],
  },
  binary: { type: TYPE.BYTE_ARRAY },
  json: { type: TYPE.BYTE_ARRAY, converted: CONVERTED.JSON, logical: [12, EMPTY] },
  null: { type: TYPE.INT32, logical: [11, EMPTY] },
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
  const schema = [
    element("schema", undefined, columns.length),
    ...columns.flatMap(({ name, type }) => elements(name, type)),
  ];
  // The order that is defined for each type, without which readers ignore the bounds.
  const orders = schema.filter(({ isLeaf }) => isLeaf).map((): Thrift => ({ struct: [[1, EMPTY]] }));
  writeStruct(sink, [
    [1, { i32: 2 }],
    [2, { list: schema.map(({ fields }) => ({ struct: fields })) }],
    [3, { i64: groups.reduce((sum, { rows }) => sum + rows, 0) }],
    [4, { list: groups.map(rowGroup) }],
    [6, { text: createdBy }],
    [7, { list: orders }],
  ]);
}

interface Element {
  readonly isLeaf: boolean;
  readonly fields: readonly ThriftField[];
}

function element(
  name: string,
  repetition: number | undefined,
  children: number,
  annotated: readonly ThriftField[] = [],
): Element {
  return {
    isLeaf: false,
    fields: [
      [3, repetition === undefined ? undefined : { i32: repetition }],
      [4, { text: name }],
      [5, { i32: children }],
      ...annotated,
    ],
  };
}

/** Returns a column's schema elements, depth first (parquet-format, LogicalTypes.md). */
function elements(name: string, type: ColumnType): readonly Element[] {
  if (typeof type === "string") {
    const { type: stored, converted, logical } = STORED[type];
    return [
      {
        isLeaf: true,
        fields: [
          [1, { i32: stored }],
          [3, { i32: OPTIONAL }],
          [4, { text: name }],
          [6, converted === undefined ? undefined : { i32: converted }],
          [10, logical && { struct: [logical] }],
        ],
      },
    ];
  }
  if ("struct" in type)
    return [
      element(name, OPTIONAL, type.struct.length),
      ...type.struct.flatMap((field) => elements(field.name, field.type)),
    ];
  return [
    element(name, OPTIONAL, 1, [
      [6, { i32: CONVERTED.LIST }],
      [10, { struct: [[3, EMPTY]] }],
    ]),
    element("list", REPEATED, 1),
    ...elements("element", type.list),
  ];
}

function rowGroup({ rows, chunks }: WrittenGroup): Thrift {
  const sum = (of: (chunk: WrittenChunk) => number): Thrift => ({
    i64: chunks.reduce((total, chunk) => total + of(chunk), 0),
  });
  return {
    struct: [
      [
        1,
        {
          list: chunks.map((chunk) => ({
            struct: [
              [2, { i64: chunk.start }],
              [3, { struct: columnMetadata(chunk) }],
            ],
          })),
        },
      ],
      [2, sum(({ uncompressedBytes }) => uncompressedBytes)],
      [3, { i64: rows }],
      [6, sum(({ compressedBytes }) => compressedBytes)],
    ],
  };
}

function columnMetadata(chunk: WrittenChunk): readonly ThriftField[] {
  const { place, start, dictionaryBytes, min, max } = chunk;
  const bytes = (bound: Bound | undefined): Thrift | undefined => bound && { bytes: bound.bytes };
  const isExact = (bound: Bound | undefined): Thrift | undefined => bound && { bool: bound.isExact };
  return [
    [1, { i32: STORED[place.type].type }],
    [2, { list: chunk.encodings.map((i32) => ({ i32 })) }],
    [3, { list: place.path.map((text) => ({ text })) }],
    [4, { i32: SNAPPY }],
    [5, { i64: chunk.slots }],
    [6, { i64: chunk.uncompressedBytes }],
    [7, { i64: chunk.compressedBytes }],
    [9, { i64: start + dictionaryBytes }],
    [11, dictionaryBytes === 0 ? undefined : { i64: start }],
    [
      12,
      {
        struct: [
          [3, { i64: chunk.nulls }],
          [5, bytes(max)],
          [6, bytes(min)],
          [7, isExact(max)],
          [8, isExact(min)],
        ],
      },
    ],
    [
      13,
      {
        list: chunk.pages.map(({ type, encoding, count }) => ({
          struct: [
            [1, { i32: type }],
            [2, { i32: encoding }],
            [3, { i32: count }],
          ],
        })),
      },
    ],
  ];
}
