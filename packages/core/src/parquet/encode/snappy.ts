import type { ByteSink } from "./byte-sink.ts";

/** The largest distance of a copy whose offset has 16 bits. */
const MOST_OFFSET = 2 ** 16 - 1;
const MOST_BITS = 14;
const LEAST_BITS = 8;
/** By the hash of four bytes, the last position at which they were seen. */
const POSITIONS = new Int32Array(2 ** MOST_BITS);
/** The multiplier with which the reference implementation of Snappy hashes four bytes. */
const MULTIPLIER = 0x1e35a7bd;
/** After so many positions without a repetition, every second one is looked at, after as many again every third (Snappy's heuristic). */
const MISSES = 32;
/** Literals up to this length are copied faster by a loop. */
const SHORT_LITERAL = 64;

/**
 * Appends bytes in Snappy's raw format (google/snappy, format_description.txt). The same bytes always become the same output, which
 * depends on nothing that was compressed before.
 */
export function appendSnappy(sink: ByteSink, bytes: Uint8Array): void {
  const size = bytes.byteLength;
  sink.reserve(32 + size + Math.ceil(size / 6));
  sink.varint(size);
  const to = sink.bytes;
  let at = sink.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const bits = Math.min(MOST_BITS, Math.max(LEAST_BITS, 32 - Math.clz32(size)));
  const shift = 32 - bits;
  POSITIONS.fill(0, 0, 2 ** bits);
  const last = size - 4;
  let literal = 0;
  let misses = MISSES;
  let position = 1;
  while (position <= last) {
    const word = view.getInt32(position, true);
    const slot = Math.imul(word, MULTIPLIER) >>> shift;
    const candidate = POSITIONS[slot] as number;
    POSITIONS[slot] = position;
    const offset = position - candidate;
    if (offset > MOST_OFFSET || view.getInt32(candidate, true) !== word) {
      position += misses++ >>> 5;
      continue;
    }
    if (literal < position) at = writeLiteral(to, at, bytes, literal, position);
    let end = position + 4;
    while (end <= last && view.getInt32(end, true) === view.getInt32(end - offset, true)) end += 4;
    while (end < size && bytes[end] === bytes[end - offset]) end++;
    at = writeCopy(to, at, offset, end - position);
    literal = end;
    position = end;
    misses = MISSES;
    if (position <= last)
      POSITIONS[Math.imul(view.getInt32(position - 1, true), MULTIPLIER) >>> shift] = position - 1;
  }
  sink.length = literal < size ? writeLiteral(to, at, bytes, literal, size) : at;
}

/** Writes bytes as they are. Returns where the output goes on. */
function writeLiteral(to: Uint8Array, start: number, from: Uint8Array, begin: number, end: number): number {
  const length = end - begin - 1;
  let at = start;
  if (length < 60) to[at++] = length << 2;
  else {
    const lengthBytes = length < 2 ** 8 ? 1 : length < 2 ** 16 ? 2 : length < 2 ** 24 ? 3 : 4;
    to[at++] = (59 + lengthBytes) << 2;
    for (let i = 0; i < lengthBytes; i++) to[at++] = length >>> (8 * i);
  }
  if (length < SHORT_LITERAL) for (let i = begin; i < end; i++) to[at++] = from[i] as number;
  else {
    to.set(from.subarray(begin, end), at);
    at += end - begin;
  }
  return at;
}

/** Writes a repetition of at least four bytes, as copies of at most 64 each. Returns where the output goes on. */
function writeCopy(to: Uint8Array, start: number, offset: number, length: number): number {
  let at = start;
  let rest = length;
  // The last copy has four bytes or more, so that it can be a short one.
  for (; rest >= 68; rest -= 64) at = writeLongCopy(to, at, offset, 64);
  if (rest > 64) {
    at = writeLongCopy(to, at, offset, 60);
    rest -= 60;
  }
  if (rest >= 12 || offset >= 2 ** 11) return writeLongCopy(to, at, offset, rest);
  to[at] = ((offset >>> 8) << 5) | ((rest - 4) << 2) | 1;
  to[at + 1] = offset;
  return at + 2;
}

function writeLongCopy(to: Uint8Array, at: number, offset: number, length: number): number {
  to[at] = ((length - 1) << 2) | 2;
  to[at + 1] = offset;
  to[at + 2] = offset >>> 8;
  return at + 3;
}
