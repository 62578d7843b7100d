import type { ByteSink } from "./byte-sink.ts";

/** A value in Thrift's compact protocol. */
export type Thrift =
  | { readonly i32: number }
  | { readonly i64: number }
  | { readonly bool: boolean }
  | { readonly text: string }
  | { readonly bytes: Uint8Array }
  | { readonly struct: readonly ThriftField[] }
  | { readonly list: readonly Thrift[] };

/** A field of a struct with its number, which grows from field to field. One without a value is left out. */
export type ThriftField = readonly [id: number, value: Thrift | undefined];

const UTF8 = new TextEncoder();

/** Appends a struct in Thrift's compact protocol. */
export function writeStruct(sink: ByteSink, fields: readonly ThriftField[]): void {
  let last = 0;
  for (const [id, value] of fields) {
    if (value === undefined) continue;
    sink.byte(((id - last) << 4) | typeOf(value));
    last = id;
    if (!("bool" in value)) writeValue(sink, value);
  }
  sink.byte(0);
}

function typeOf(value: Thrift): number {
  if ("bool" in value) return value.bool ? 1 : 2;
  if ("i32" in value) return 5;
  if ("i64" in value) return 6;
  if ("list" in value) return 9;
  return "struct" in value ? 12 : 8;
}

function writeValue(sink: ByteSink, value: Exclude<Thrift, { readonly bool: boolean }>): void {
  if ("i32" in value) sink.varint(zigzag(value.i32));
  else if ("i64" in value) sink.varint(zigzag(value.i64));
  else if ("struct" in value) writeStruct(sink, value.struct);
  else if ("list" in value) writeList(sink, value.list);
  else {
    const bytes = "text" in value ? UTF8.encode(value.text) : value.bytes;
    sink.varint(bytes.byteLength);
    sink.append(bytes);
  }
}

function writeList(sink: ByteSink, items: readonly Thrift[]): void {
  // Every list that may be empty is one of structs.
  const [first = { struct: [] }] = items;
  const type = typeOf(first);
  if (items.length < 15) sink.byte((items.length << 4) | type);
  else {
    sink.byte(0xf0 | type);
    sink.varint(items.length);
  }
  // Parquet has no lists of booleans that are written here.
  for (const item of items) if (!("bool" in item)) writeValue(sink, item);
}

const zigzag = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2);
