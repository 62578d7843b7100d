/** No level and no dictionary index is wider, in bits. */
const MAX_WIDTH = 32;

/**
 * Walks the runs of Parquet's RLE / bit-packing hybrid without decoding them: a run may be no longer than what is left of
 * the values and of the bytes, or a decoder would go on for as long as it says.
 *
 * @returns how many values the runs hold, at most `count`.
 * @throws Error saying what does not fit.
 */
export function checkRuns(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  count: number,
): number {
  if (width > MAX_WIDTH) throw new Error(`a page claims values of ${width} bits`);
  const valueBytes = (width + 7) >> 3;
  let offset = start;
  let seen = 0;
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
    if (header % 2 === 1) {
      const groups = (header - 1) / 2;
      // The last group of eight is filled up; without bits nothing else bounds it.
      if (width === 0 && groups * 8 > count - seen + 7)
        throw new Error("a page holds a run beyond its values");
      offset += groups * width;
      seen += groups * 8;
    } else {
      seen += header / 2;
      offset += valueBytes;
      if (seen > count) throw new Error("a page holds a run beyond its values");
    }
    if (offset > end) throw new Error("a page holds a run beyond its bytes");
  }
  return Math.min(seen, count);
}

/** How many of the first `count` values are `wanted`; the runs are checked already. */
export function countInRuns(
  bytes: Uint8Array,
  start: number,
  width: number,
  count: number,
  wanted: number,
): number {
  let offset = start;
  let found = 0;
  let seen = 0;
  const at = (i: number): number => bytes[i] ?? 0;
  while (seen < count) {
    let header = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = at(offset++);
      header += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    if (header % 2 === 0) {
      let value = 0;
      for (let shift = 0; shift < width; shift += 8) value += at(offset++) * 2 ** shift;
      if (value === wanted) found += header / 2;
      seen += header / 2;
      continue;
    }
    const groups = (header - 1) / 2;
    for (let i = 0; i < groups * 8 && seen < count; i++, seen++) {
      let value = 0;
      for (let bit = 0; bit < width; bit++) {
        const position = i * width + bit;
        value += ((at(offset + (position >> 3)) >> (position & 7)) & 1) * 2 ** bit;
      }
      if (value === wanted) found++;
    }
    offset += groups * width;
  }
  return found;
}
