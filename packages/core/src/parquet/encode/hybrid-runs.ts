import type { ByteSink } from "./byte-sink.ts";

/** Returns the number of bits for the numbers from 0 to `most`. */
export const bitWidth = (most: number): number => 32 - Math.clz32(most);

/**
 * Appends numbers in Parquet's hybrid of run lengths and bit packing: eight or more equal ones as a run, others packed in
 * groups of eight.
 *
 * @param width bits of a number, at most 24.
 */
export function writeHybridRuns(
  sink: ByteSink,
  values: ArrayLike<number>,
  start: number,
  end: number,
  width: number,
): void {
  let packedFrom = start;
  let i = start;
  while (i < end) {
    const value = values[i] ?? 0;
    let runEnd = i + 1;
    while (runEnd < end && values[runEnd] === value) runEnd++;
    if (runEnd - i < 8) {
      i += 8;
      continue;
    }
    writePacked(sink, values, packedFrom, i, width);
    sink.varint((runEnd - i) * 2);
    sink.reserve(4);
    for (let shift = 0; shift < width; shift += 8) sink.byte((value >>> shift) & 0xff);
    i = runEnd;
    packedFrom = i;
  }
  writePacked(sink, values, packedFrom, end, width);
}

function writePacked(
  sink: ByteSink,
  values: ArrayLike<number>,
  start: number,
  end: number,
  width: number,
): void {
  if (start >= end) return;
  const groups = Math.ceil((end - start) / 8);
  sink.varint(groups * 2 + 1);
  sink.reserve(groups * width);
  const { bytes } = sink;
  let to = sink.length;
  let buffer = 0;
  let bits = 0;
  for (let i = start; i < start + groups * 8; i++) {
    if (i < end) buffer |= (values[i] ?? 0) << bits;
    bits += width;
    while (bits >= 8) {
      bytes[to++] = buffer & 0xff;
      buffer >>>= 8;
      bits -= 8;
    }
  }
  sink.length = to;
}
