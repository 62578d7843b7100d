/** A field of a Thrift struct: its id, its type, its value. */
export type ThriftField = readonly [id: number, value: ThriftValue];
type ThriftValue =
  | { readonly i32: number }
  | { readonly i64: bigint }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly struct: readonly ThriftField[] }
  | { readonly structs: readonly (readonly ThriftField[])[] }
  | { readonly texts: readonly string[] }
  | { readonly i32s: readonly number[] }
  | { readonly raw: readonly [type: number, bytes: readonly number[]] };

export const i32 = (value: number): ThriftValue => ({ i32: value });
export const i64 = (value: number | bigint): ThriftValue => ({ i64: BigInt(value) });
export const text = (value: string): ThriftValue => ({ text: value });
export const struct = (...fields: ThriftField[]): ThriftValue => ({ struct: fields });

/** An unsigned number in groups of seven bits. */
export function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
}

const zigzag = (value: number | bigint): number[] => {
  const big = BigInt(value);
  return varint(big >= 0n ? big * 2n : -big * 2n - 1n);
};
const utf8 = (value: string): number[] => {
  const bytes = [...new TextEncoder().encode(value)];
  return [...varint(bytes.length), ...bytes];
};
const list = (element: number, items: readonly number[][]): number[] => [
  0xf0 | element,
  ...varint(items.length),
  ...items.flat(),
];

/** Encodes Thrift's compact protocol, as far as needed for files that no writer would write. */
export function thrift(fields: readonly ThriftField[]): number[] {
  const bytes: number[] = [];
  for (const [id, value] of fields) {
    const [type, content] = encode(value);
    bytes.push(type, ...zigzag(id));
    // Not spread: some values are megabytes.
    for (const byte of content) bytes.push(byte);
  }
  bytes.push(0);
  return bytes;
}

function encode(value: ThriftValue): readonly [type: number, bytes: readonly number[]] {
  if ("i32" in value) return [5, zigzag(value.i32)];
  if ("i64" in value) return [6, zigzag(value.i64)];
  if ("bool" in value) return [value.bool ? 1 : 2, []];
  if ("text" in value) return [8, utf8(value.text)];
  if ("struct" in value) return [12, thrift(value.struct)];
  if ("structs" in value) return [9, list(12, value.structs.map(thrift))];
  if ("texts" in value) return [9, list(8, value.texts.map(utf8))];
  if ("i32s" in value) return [9, list(5, value.i32s.map(zigzag))];
  return value.raw;
}

/** Physical types, codecs and encodings by their numbers in parquet.thrift. */
export const TYPE = { BOOLEAN: 0, INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6, FIXED: 7 } as const;
export const CODEC = { NONE: 0, SNAPPY: 1, GZIP: 2, BROTLI: 4, LZ4: 5, ZSTD: 6, LZ4_RAW: 7 } as const;
export const ENCODING = {
  PLAIN: 0,
  RLE: 3,
  DELTA: 5,
  DELTA_LENGTH: 6,
  DELTA_BYTES: 7,
  DICTIONARY: 8,
  SPLIT: 9,
} as const;

/** A `data` page. */
export function page(
  values: number,
  encoding: number,
  body: readonly number[] | Uint8Array,
  uncompressed: number = body.length,
): Uint8Array {
  return Uint8Array.from([
    ...thrift([
      [1, i32(0)],
      [2, i32(uncompressed)],
      [3, i32(body.length)],
      [5, struct([1, i32(values)], [2, i32(encoding)], [3, i32(3)], [4, i32(3)])],
    ]),
    ...body,
  ]);
}

/** A `data v2` page. */
export function pageV2(
  values: number,
  nulls: number,
  encoding: number,
  levels: readonly number[],
  body: readonly number[],
): Uint8Array {
  const size = levels.length + body.length;
  return Uint8Array.from([
    ...thrift([
      [1, i32(3)],
      [2, i32(size)],
      [3, i32(size)],
      [
        8,
        struct(
          [1, i32(values)],
          [2, i32(nulls)],
          [3, i32(values)],
          [4, i32(encoding)],
          [5, i32(levels.length)],
          [6, i32(0)],
          [7, { bool: false }],
        ),
      ],
    ]),
    ...levels,
    ...body,
  ]);
}

/** A dictionary page of BYTE_ARRAYs or numbers. */
export function dictionaryPage(values: number, body: readonly number[]): Uint8Array {
  return Uint8Array.from([
    ...thrift([
      [1, i32(2)],
      [2, i32(body.length)],
      [3, i32(body.length)],
      [7, struct([1, i32(values)], [2, i32(0)])],
    ]),
    ...body,
  ]);
}

/** A file of one column, `a`. */
export interface HostileColumn {
  readonly rows: number | bigint;
  readonly pages: readonly Uint8Array[];
  readonly type?: number;
  readonly codec?: number;
  readonly optional?: boolean;
  /** More fields of its schema element. */
  readonly element?: readonly ThriftField[];
  /** More fields of the footer. */
  readonly footer?: readonly ThriftField[];
}

/** Builds a file of one column with exactly the given numbers. */
export function hostileFile({
  rows,
  pages,
  type = TYPE.INT64,
  codec = 0,
  optional = true,
  ...more
}: HostileColumn): Uint8Array {
  const chunk = Buffer.concat(pages);
  const element: readonly ThriftField[] = [
    [1, i32(type)],
    [3, i32(optional ? 1 : 0)],
    [4, text("a")],
    ...(more.element ?? []),
  ];
  const metadata: readonly ThriftField[] = [
    [1, i32(type)],
    [2, { i32s: [0] }],
    [3, { texts: ["a"] }],
    [4, i32(codec)],
    [5, i64(rows)],
    [6, i64(chunk.byteLength)],
    [7, i64(chunk.byteLength)],
    [9, i64(4)],
  ];
  return fileOf(chunk, [
    [1, i32(1)],
    [
      2,
      {
        structs: [
          [
            [4, text("schema")],
            [5, i32(1)],
          ],
          element,
        ],
      },
    ],
    [3, i64(rows)],
    [
      4,
      {
        structs: [
          [
            [
              1,
              {
                structs: [
                  [
                    [2, i64(4)],
                    [3, { struct: metadata }],
                  ],
                ],
              },
            ],
            [2, i64(chunk.byteLength)],
            [3, i64(rows)],
          ],
        ],
      },
    ],
    ...(more.footer ?? []),
  ]);
}

/** Wraps a body and a footer into a file. */
export function fileOf(body: Uint8Array, footer: readonly ThriftField[]): Uint8Array {
  const bytes = Uint8Array.from(thrift(footer));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.byteLength);
  return Buffer.concat([Buffer.from("PAR1"), body, bytes, length, Buffer.from("PAR1")]);
}
