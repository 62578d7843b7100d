/** The types of Thrift's compact protocol. */
export const THRIFT = { TRUE: 1, FALSE: 2, I32: 5, I64: 6, LIST: 9, STRUCT: 12 } as const;

/** The headers of Parquet are never nested deeper. */
const MAX_DEPTH = 16;
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
/** The most bytes of a 64-bit number. */
const MAX_VARINT_BYTES = 10;

/**
 * Reads Thrift's compact protocol without trusting it: never beyond its bytes, no number longer than 64 bits, no list
 * longer than the remaining bytes, no unlimited nesting. So a decoder takes at most one step per byte for what passes here.
 * Sets and maps, which Parquet does not use, are refused.
 */
export class ThriftReader {
  offset: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, offset: number) {
    this.bytes = bytes;
    this.offset = offset;
  }

  /** Calls `onField` for each field of a struct, with the offset at its value; a field it returns false for is skipped. */
  struct(onField: (id: number, type: number) => boolean, depth = 0): void {
    if (depth > MAX_DEPTH) throw new Error(`a header is nested deeper than ${MAX_DEPTH} levels`);
    let id = 0;
    for (;;) {
      const head = this.#byte();
      const type = head & 15;
      if (type === 0) return;
      id = head >> 4 === 0 ? this.integer() : id + (head >> 4);
      if (!onField(id, type)) this.skip(type, depth);
    }
  }

  /** Reads the head of a list: its number of elements, and their type, as {@link ThriftReader.skip} takes it. */
  listHeader(): { readonly size: number; readonly type: number } {
    const head = this.#byte();
    const size = head >> 4 === 15 ? this.varint() : head >> 4;
    if (size > this.bytes.byteLength - this.offset) throw new Error("a header holds a list that is too long");
    if (size > 0 && (head & 15) === 0) throw new Error("a header holds a list of an unknown type 0");
    // In a list a boolean is a byte.
    return { size, type: Math.max(3, head & 15) };
  }

  /** Reads a signed number of 32 bits. */
  integer(): number {
    const value = this.varint();
    const signed = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    if (signed > 0x7fffffff || signed < -0x80000000) throw new Error(`a header holds the number ${signed}`);
    return signed;
  }

  /** Reads an unsigned number. */
  varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw new Error("a header holds a number of too many bytes");
  }

  /** Reads a string, with a byte order mark if it begins with one. */
  text(): string {
    const bytes = this.varint();
    this.#skipBytes(bytes);
    return UTF8.decode(this.bytes.subarray(this.offset - bytes, this.offset));
  }

  /** Skips a value. */
  skip(type: number, depth = 0): void {
    if (type === THRIFT.TRUE || type === THRIFT.FALSE) return;
    if (type === 3) this.#skipBytes(1);
    else if (type <= THRIFT.I64) this.varint();
    else if (type === 7) this.#skipBytes(8);
    else if (type === 8) this.#skipBytes(this.varint());
    else if (type === THRIFT.LIST) {
      const list = this.listHeader();
      for (let i = 0; i < list.size; i++) this.skip(list.type, depth + 1);
    } else if (type === THRIFT.STRUCT) this.struct(() => false, depth + 1);
    else throw new Error(`a header holds an unknown type ${type}`);
  }

  #byte(): number {
    const value = this.bytes[this.offset++];
    if (value === undefined) throw new Error("a header runs beyond its bytes");
    return value;
  }

  #skipBytes(bytes: number): void {
    this.offset += bytes;
    if (this.offset > this.bytes.byteLength) throw new Error("a header runs beyond its bytes");
  }
}

/** Encodes a signed number. */
export function zigzagBytes(value: number): Uint8Array {
  return varintBytes(value < 0 ? -value * 2 - 1 : value * 2);
}

/** Encodes the head of a list. */
export function listHeaderBytes(size: number, type: number): Uint8Array {
  return size < 15 ? Uint8Array.of((size << 4) | type) : Uint8Array.of(0xf0 | type, ...varintBytes(size));
}

function varintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}
