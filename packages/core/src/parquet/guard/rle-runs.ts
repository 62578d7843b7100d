/** The widest level or dictionary index, in bits. */
const MAX_WIDTH = 32;

/** The values in the runs of a page. */
export interface RunFacts {
  /** The number of values, at most the number asked for. */
  readonly seen: number;
  /** How many of them are the wanted value. */
  readonly found: number;
}

/**
 * Walks the runs of Parquet's RLE / bit-packing hybrid: a run may not exceed the remaining values and bytes, or a decoder
 * would go on for as long as the run says. Values are decoded only to count those that are `wanted`.
 *
 * @throws Error that describes the first problem.
 */
export function checkRuns(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  count: number,
  wanted?: number,
): RunFacts {
  if (width > MAX_WIDTH) throw new Error(`a page claims values of ${width} bits`);
  let offset = start;
  let seen = 0;
  let found = 0;
  while (seen < count && offset < end) {
    let header = 0;
    let factor = 1;
    for (;;) {
      const byte = offset < end ? bytes[offset++] : undefined;
      if (byte === undefined || factor > 2 ** 28) throw new Error("a page holds a run without an end");
      header += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
      factor *= 128;
    }
    const isPacked = header % 2 === 1;
    const values = isPacked ? (header - 1) * 4 : header / 2;
    // The last group of eight may be partly used; values without bits have no other limit.
    const most = isPacked ? (width === 0 ? count - seen + 7 : values) : count - seen;
    if (values > most) throw new Error("a page holds a run beyond its values");
    const next = offset + (isPacked ? (values * width) / 8 : (width + 7) >> 3);
    if (next > end) throw new Error("a page holds a run beyond its bytes");
    if (wanted !== undefined) {
      if (isPacked) found += countPacked(bytes, offset, width, Math.min(values, count - seen), wanted);
      else if (valueAt(bytes, offset, 0, (next - offset) * 8) === wanted) found += values;
    }
    seen += values;
    offset = next;
  }
  return { seen: Math.min(seen, count), found };
}

/** Returns the first value of runs that {@link checkRuns} has checked. */
export function firstOfRuns(bytes: Uint8Array, start: number, width: number): number {
  let offset = start;
  while ((bytes[offset] ?? 0) >= 0x80) offset++;
  return valueAt(bytes, offset + 1, 0, width);
}

function countPacked(bytes: Uint8Array, start: number, width: number, count: number, wanted: number): number {
  let found = 0;
  for (let i = 0; i < count; i++) if (valueAt(bytes, start, i * width, width) === wanted) found++;
  return found;
}

function valueAt(bytes: Uint8Array, start: number, firstBit: number, width: number): number {
  let value = 0;
  for (let bit = 0; bit < width; bit++) {
    const position = firstBit + bit;
    value += (((bytes[start + (position >> 3)] ?? 0) >> (position & 7)) & 1) * 2 ** bit;
  }
  return value;
}
