import { Buffer } from "#platform";
import type { ByteSink } from "./byte-sink.ts";

/** The types that the items of a list have here, in Thrift's compact protocol. */
export const ELEMENT = { I32: 5, TEXT: 8, STRUCT: 12 } as const;
const TRUE = 1;
const FALSE = 2;
const I64 = 6;
const LIST = 9;

/**
 * Appends a struct in Thrift's compact protocol, field by field: their numbers grow, and each value is appended at once. A footer has
 * dozens of fields for each column, so they are not collected as objects first.
 */
export class ThriftWriter {
  readonly #sink: ByteSink;
  /** The number of the last field, of this struct and of those around it. */
  readonly #last: number[] = [0];

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  i32(id: number, value: number): void {
    this.#field(id, ELEMENT.I32);
    this.item(value);
  }

  i64(id: number, value: number): void {
    this.#field(id, I64);
    this.item(value);
  }

  bool(id: number, value: boolean): void {
    this.#field(id, value ? TRUE : FALSE);
  }

  text(id: number, value: string): void {
    this.#field(id, ELEMENT.TEXT);
    this.textItem(value);
  }

  bytes(id: number, value: Uint8Array): void {
    this.#field(id, ELEMENT.TEXT);
    this.#sink.varint(value.byteLength);
    this.#sink.append(value);
  }

  /** Begins a struct as a field; {@link ThriftWriter.end} ends it. */
  begin(id: number): void {
    this.#field(id, ELEMENT.STRUCT);
    this.beginItem();
  }

  /** A struct without fields. */
  empty(id: number): void {
    this.begin(id);
    this.end();
  }

  /** Begins a struct as an item of a list; {@link ThriftWriter.end} ends it. */
  beginItem(): void {
    this.#last.push(0);
  }

  /** Ends a struct. */
  end(): void {
    this.#sink.byte(0);
    this.#last.pop();
  }

  /** Begins a list, whose items follow. */
  list(id: number, type: number, size: number): void {
    this.#field(id, LIST);
    if (size < 15) this.#sink.byte((size << 4) | type);
    else {
      this.#sink.byte(0xf0 | type);
      this.#sink.varint(size);
    }
  }

  /** Appends a number as an item of a list. */
  item(value: number): void {
    this.#sink.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  /** Appends a string as an item of a list. */
  textItem(value: string): void {
    const bytes = Buffer.from(value);
    this.#sink.varint(bytes.byteLength);
    this.#sink.append(bytes);
  }

  #field(id: number, type: number): void {
    const depth = this.#last.length - 1;
    this.#sink.byte(((id - (this.#last[depth] ?? 0)) << 4) | type);
    this.#last[depth] = id;
  }
}
