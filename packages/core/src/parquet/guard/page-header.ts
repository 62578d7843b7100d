import { THRIFT, ThriftReader, zigzagBytes } from "./thrift-reader.ts";

/** The kinds of pages that hold values (parquet.thrift, PageType). */
export type PageKind = "data" | "index" | "dictionary" | "data v2";
const KINDS: readonly PageKind[] = ["data", "index", "dictionary", "data v2"];
/** The field that describes the first kind; the fields of the others follow. */
const FIRST_KIND_FIELD = 5;

/** The fields that a kind must have: without them, a decoder reads at offset NaN for ever. */
const REQUIRED: Readonly<Record<PageKind, readonly number[]>> = {
  data: [1, 2, 3, 4],
  index: [],
  dictionary: [1, 2],
  "data v2": [1, 2, 3, 4, 5, 6],
};

/** The encodings of values (parquet.thrift, Encoding). */
const ENCODINGS = [
  "PLAIN",
  "GROUP_VAR_INT",
  "PLAIN_DICTIONARY",
  "RLE",
  "BIT_PACKED",
  "DELTA_BINARY_PACKED",
  "DELTA_LENGTH_BYTE_ARRAY",
  "DELTA_BYTE_ARRAY",
  "RLE_DICTIONARY",
  "BYTE_STREAM_SPLIT",
] as const;

/** The encoding of values. */
export type PageEncoding = (typeof ENCODINGS)[number];

/** The header of a page. */
export interface PageHeader {
  readonly kind: PageKind;
  /** Its sizes in bytes: in the file, and decompressed. */
  readonly compressed: number;
  readonly uncompressed: number;
  readonly values: number;
  readonly encoding: PageEncoding;
  /** For `data v2`: the number of rows, the number of nulls, the sizes of the levels in bytes, whether the values are compressed. */
  readonly rows: number;
  readonly nulls: number;
  readonly definitionBytes: number;
  readonly repetitionBytes: number;
  readonly isCompressed: boolean;
  /** The offset of the page's body. */
  readonly bodyStart: number;
  /** Returns the bytes of the header with another compressed size. */
  withCompressedSize(size: number): Uint8Array[];
}

/**
 * Reads a page header strictly: every number in it must be possible for a page.
 *
 * @throws Error that describes the first problem.
 */
export function readPageHeader(chunk: Uint8Array, start: number): PageHeader {
  const reader = new ThriftReader(chunk, start);
  // Of their full lengths at once: an array that grows by an index beyond its end takes room for many more.
  const numbers: (number | undefined)[] = [undefined, undefined, undefined, undefined];
  const described: (KindFields | undefined)[] = [undefined, undefined, undefined, undefined];
  let sizeStart = 0;
  let sizeEnd = 0;
  reader.struct((id, type) => {
    if (id >= FIRST_KIND_FIELD && id < FIRST_KIND_FIELD + KINDS.length) {
      if (type !== THRIFT.STRUCT || described[id - FIRST_KIND_FIELD] !== undefined)
        throw new Error("a page header has a field of another kind");
      described[id - FIRST_KIND_FIELD] = readKindFields(reader);
      return true;
    }
    if (id < 1 || id > 3) return false;
    if (type !== THRIFT.I32 || numbers[id] !== undefined)
      throw new Error("a page header has a field of another kind");
    if (id === 3) sizeStart = reader.offset;
    numbers[id] = reader.integer();
    if (id === 3) sizeEnd = reader.offset;
    return true;
  });
  const kindNumber = numbers[1] ?? -1;
  const uncompressed = numbers[2] ?? -1;
  const compressed = numbers[3] ?? -1;
  const kind = KINDS[kindNumber];
  const fields = described[kindNumber];
  if (kind === undefined || fields === undefined) throw new Error("a page header has no kind of page");
  if (REQUIRED[kind].some((id) => fields.numbers[id] === undefined))
    throw new Error("a page header lacks a field");
  const isV2 = kind === "data v2";
  const number = (id: number): number => fields.numbers[id] ?? 0;
  const values = kind === "index" ? 0 : (fields.numbers[1] ?? -1);
  const encoding = ENCODINGS[isV2 ? number(4) : number(2)];
  const nulls = isV2 ? number(2) : 0;
  const definitionBytes = isV2 ? number(5) : 0;
  const repetitionBytes = isV2 ? number(6) : 0;
  if (Math.min(uncompressed, compressed, values, nulls, definitionBytes, repetitionBytes) < 0)
    throw new Error("a page header holds a negative number, or lacks one");
  if (nulls > values) throw new Error(`a page claims ${nulls} nulls among ${values} values`);
  if (definitionBytes + repetitionBytes > Math.min(compressed, uncompressed))
    throw new Error(
      `a page of ${compressed} bytes claims ${definitionBytes + repetitionBytes} bytes of levels`,
    );
  if (encoding === undefined) throw new Error("a page has an unknown encoding");
  return {
    kind,
    compressed,
    uncompressed,
    values,
    encoding,
    rows: isV2 ? number(3) : 0,
    nulls,
    definitionBytes,
    repetitionBytes,
    isCompressed: !isV2 || fields.isCompressed,
    bodyStart: reader.offset,
    withCompressedSize: (size) => [
      chunk.subarray(start, sizeStart),
      zigzagBytes(size),
      chunk.subarray(sizeEnd, reader.offset),
    ],
  };
}

interface KindFields {
  readonly numbers: readonly (number | undefined)[];
  readonly isCompressed: boolean;
}

/** Reads the header of a kind: numbers, and field 7 of `data v2`, whether it is compressed. */
function readKindFields(reader: ThriftReader): KindFields {
  const numbers: (number | undefined)[] = [
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ];
  let isCompressed = true;
  reader.struct((id, type) => {
    if (type === THRIFT.TRUE || type === THRIFT.FALSE) {
      if (id === 7) isCompressed = type === THRIFT.TRUE;
      return true;
    }
    if (id < 1 || id > 6) return false;
    if (type !== THRIFT.I32) {
      if (id === 5) return false; // Statistics, of a data page.
      throw new Error("a page header has a field of another kind");
    }
    numbers[id] = reader.integer();
    return true;
  }, 1);
  return { numbers, isCompressed };
}
