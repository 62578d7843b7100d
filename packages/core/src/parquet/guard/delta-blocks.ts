/** No writer makes larger blocks: those of Arrow and parquet-java have 128 values, DuckDB's 2,048. */
const MAX_BLOCK_VALUES = 2 ** 16;
const MAX_WIDTH = 64;

/** The end of delta-encoded numbers, and their sum. */
export interface DeltaFacts {
  readonly end: number;
  /** The sum of the values as 32-bit numbers, computed for lengths only, else 0. */
  readonly sum: number;
}

/**
 * Walks the blocks of DELTA_BINARY_PACKED numbers. Their sizes are in the page itself, and wrong sizes would make a decoder
 * loop for ever. With `asLengths`, the numbers are decoded and must be lengths: 32 bits, none negative.
 *
 * @throws Error that describes the first problem.
 */
export function checkDelta(bytes: Uint8Array, start: number, count: number, asLengths = false): DeltaFacts {
  let offset = start;
  const byte = (): number => {
    const value = bytes[offset++];
    if (value === undefined) throw new Error("a page's deltas run beyond its bytes");
    return value;
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const next = byte();
      value |= BigInt(next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    throw new Error("a page's deltas hold a number of too many bytes");
  };
  const zigzag = (): bigint => {
    const value = varint();
    return (value >> 1n) ^ -(value & 1n);
  };
  const blockValues = Number(varint());
  const miniblocks = Number(varint());
  const perMiniblock = blockValues / miniblocks;
  if (!(blockValues > 0 && blockValues <= MAX_BLOCK_VALUES && miniblocks > 0 && perMiniblock % 8 === 0))
    throw new Error(`a page claims delta blocks of ${blockValues} values in ${miniblocks} parts`);
  const total = varint();
  if (total !== BigInt(count)) throw new Error(`a page of ${count} values claims ${total} deltas`);
  let value = BigInt.asIntN(32, zigzag());
  let sum = 0;
  const add = (): void => {
    if (value < 0n) throw new Error(`a page claims a value of ${value} bytes`);
    sum += Number(value);
  };
  if (asLengths && count > 0) add();
  for (let seen = 1; seen < count; ) {
    const least = zigzag();
    const widths = bytes.subarray(offset, offset + miniblocks);
    offset += miniblocks;
    if (widths.byteLength < miniblocks) throw new Error("a page's deltas run beyond its bytes");
    for (const width of widths) {
      if (seen >= count) break;
      if (width > MAX_WIDTH) throw new Error(`a page claims deltas of ${width} bits`);
      const inPart = Math.min(perMiniblock, count - seen);
      if (asLengths) {
        for (let i = 0; i < inPart; i++) {
          value = BigInt.asIntN(32, value + least + bitsAt(bytes, offset, i * width, width));
          add();
        }
      }
      seen += inPart;
      offset += (perMiniblock * width) / 8;
      // The last part may end after its last value.
      if (offset > bytes.byteLength) {
        if (seen < count || offset - bytes.byteLength > ((perMiniblock - inPart) * width) / 8)
          throw new Error("a page's deltas run beyond its bytes");
      }
    }
  }
  return { end: offset, sum };
}

function bitsAt(bytes: Uint8Array, start: number, firstBit: number, width: number): bigint {
  let value = 0n;
  for (let bit = 0; bit < width; ) {
    const position = firstBit + bit;
    const taken = Math.min(8 - (position & 7), width - bit);
    const part = ((bytes[start + (position >> 3)] ?? 0) >> (position & 7)) & ((1 << taken) - 1);
    value |= BigInt(part) << BigInt(bit);
    bit += taken;
  }
  return value;
}
