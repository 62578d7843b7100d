/** Walks bytes of Thrift's compact protocol, in which Parquet's footers are written. */
export class CompactReader {
  /** Where it stands. */
  at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The next byte. */
  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new Error("the footer ends too early");
    return byte;
  }

  /** A number without sign. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  /** A number with sign. */
  zigzag(): bigint {
    const value = this.varint();
    return value & 1n ? -(value >> 1n) - 1n : value >> 1n;
  }

  /** The head of a list: how many elements, and their type. */
  listHeader(): { readonly size: number; readonly type: number } {
    const byte = this.byte();
    return { size: byte >> 4 === 15 ? Number(this.varint()) : byte >> 4, type: byte & 15 };
  }

  /** Passes over a value. In a struct a boolean is its type; in a list it has a byte of its own. */
  skip(type: number, isElement = false): void {
    switch (type) {
      case 1:
      case 2:
        if (isElement) this.at++;
        return;
      case 3:
        this.at++;
        return;
      case 4:
      case 5:
      case 6:
        this.varint();
        return;
      case 7:
        this.at += 8;
        return;
      case 8: {
        const length = Number(this.varint());
        this.at += length;
        return;
      }
      case 9:
      case 10: {
        const { size, type: element } = this.listHeader();
        for (let i = 0; i < size; i++) this.skip(element, true);
        return;
      }
      case 11:
        this.#skipMap();
        return;
      case 12:
        this.#skipStruct();
        return;
      default:
        throw new Error(`the footer holds a value of the unknown type ${type}`);
    }
  }

  #skipMap(): void {
    const size = Number(this.varint());
    if (size === 0) return;
    const types = this.byte();
    for (let i = 0; i < size; i++) {
      this.skip(types >> 4, true);
      this.skip(types & 15, true);
    }
  }

  #skipStruct(): void {
    for (;;) {
      const header = this.byte();
      if (header === 0) return;
      if (header >> 4 === 0) this.varint();
      this.skip(header & 15);
    }
  }
}

/** A number with sign, as bytes. */
export function zigzagBytes(value: bigint): Uint8Array {
  return varintBytes(value < 0n ? (-value << 1n) - 1n : value << 1n);
}

/** The head of a list, as bytes. */
export function listHeaderBytes(size: number, type: number): Uint8Array {
  return size < 15
    ? Uint8Array.of((size << 4) | type)
    : Buffer.concat([Uint8Array.of(0xf0 | type), varintBytes(BigInt(size))]);
}

function varintBytes(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
