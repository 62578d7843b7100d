/** The types of Thrift's compact protocol. */
export const THRIFT = { TRUE: 1, FALSE: 2, I32: 5, I64: 6, LIST: 9, STRUCT: 12 } as const;

/** Nothing in Parquet is nested deeper. */
const MAX_DEPTH = 16;
/** A 64-bit number takes no more bytes. */
const MAX_VARINT_BYTES = 10;

/**
 * Reads Thrift's compact protocol without trusting it: never beyond its bytes, no number longer than 64 bits, no list
 * longer than what is left, no nesting without end. All that it passes, a decoder reads in as many steps as there are bytes.
 */
export class ThriftReader {
  offset: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, offset: number) {
    this.bytes = bytes;
    this.offset = offset;
  }

  /** Calls `onField` for each field of a struct; what it does not take (false) is skipped. */
  struct(onField: (id: number, type: number) => boolean, depth = 0): void {
    if (depth > MAX_DEPTH) throw new Error(`a header is nested deeper than ${MAX_DEPTH} levels`);
    let id = 0;
    for (;;) {
      const head = this.#byte();
      const type = head & 15;
      if (type === 0) return;
      id = head >> 4 === 0 ? this.integer() : id + (head >> 4);
      if (!onField(id, type)) this.#skipValue(type, depth);
    }
  }

  /** A signed number of 32 bits. */
  integer(): number {
    const value = this.varint();
    const signed = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    if (signed > 0x7fffffff || signed < -0x80000000) throw new Error(`a header holds the number ${signed}`);
    return signed;
  }

  /** An unsigned number. */
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

  #byte(): number {
    const value = this.bytes[this.offset++];
    if (value === undefined) throw new Error("a header runs beyond its bytes");
    return value;
  }

  #skip(bytes: number): void {
    this.offset += bytes;
    if (this.offset > this.bytes.byteLength) throw new Error("a header runs beyond its bytes");
  }

  #skipValue(type: number, depth: number): void {
    if (type === THRIFT.TRUE || type === THRIFT.FALSE) return;
    if (type === 3) this.#skip(1);
    else if (type <= THRIFT.I64) this.varint();
    else if (type === 7) this.#skip(8);
    else if (type === 8) this.#skip(this.varint());
    else if (type === THRIFT.LIST) {
      const head = this.#byte();
      const size = head >> 4 === 15 ? this.varint() : head >> 4;
      if (size > this.bytes.byteLength - this.offset)
        throw new Error("a header holds a list that is too long");
      // In a list a boolean is a byte.
      const element = Math.max(3, head & 15);
      for (let i = 0; i < size; i++) this.#skipValue(element, depth + 1);
    } else if (type === THRIFT.STRUCT) this.struct(() => false, depth + 1);
    else throw new Error(`a header holds an unknown type ${type}`);
  }
}
