/** Bytes that grow at the end. */
export class ByteSink {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(4096);
  length = 0;

  /** Makes room for more bytes, which the caller then writes into {@link ByteSink.bytes}. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(needed, this.bytes.byteLength * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Appends a whole number of 32 bits, little-endian. */
  uint32(value: number): void {
    this.reserve(4);
    for (let shift = 0; shift < 32; shift += 8) this.bytes[this.length++] = value >>> shift;
  }

  /** Appends an unsigned number that a double holds exactly, as a varint. */
  varint(value: number): void {
    this.reserve(10);
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.bytes[this.length++] = (rest % 128) | 0x80;
    this.bytes[this.length++] = rest;
  }

  append(bytes: Uint8Array): void {
    this.reserve(bytes.byteLength);
    this.bytes.set(bytes, this.length);
    this.length += bytes.byteLength;
  }

  /** Returns the bytes, which the next write may replace. */
  view(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(0, this.length);
  }

  /** Starts again, in the same memory unless it has grown beyond a limit. */
  empty(mostBytes: number): this {
    if (this.bytes.byteLength > mostBytes) this.bytes = new Uint8Array(4096);
    this.length = 0;
    return this;
  }

  /** Returns a copy of the bytes, and starts again. */
  take(): Uint8Array<ArrayBuffer> {
    const bytes = this.bytes.slice(0, this.length);
    this.length = 0;
    return bytes;
  }
}
