import { isValid, type RawColumn } from "../raw-column.ts";
import { typedView } from "../typed-view.ts";

/** DuckDB keeps a string of at most this many bytes inside its 16-byte entry. */
const INLINE_BYTES = 12;

/** Strings or bytes one after the other, and where each begins and ends. */
export interface ArrowStrings {
  readonly offsets: Int32Array;
  readonly values: Uint8Array;
}

/** Converts bytes that are 0 or 1 to bits. */
export function arrowBits(bytes: Uint8Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(bytes.length / 8));
  for (let row = 0; row < bytes.length; row++)
    if (bytes[row] !== 0) bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
  return bits;
}

/** Widens little-endian integers of `width` bytes to `wanted` bytes. */
export function wideDecimals(
  bytes: Uint8Array,
  width: number,
  wanted: 16 | 32,
  isSigned: boolean,
): BigUint64Array {
  if (width === wanted) return typedView(BigUint64Array, bytes);
  const count = bytes.length / width;
  const wide = new Uint8Array(count * wanted);
  for (let row = 0; row < count; row++) {
    const [from, to] = [row * width, row * wanted];
    for (let i = 0; i < width; i++) wide[to + i] = bytes[from + i] ?? 0;
    if (isSigned && (bytes[from + width - 1] ?? 0) > 127) wide.fill(255, to + width, to + wanted);
  }
  return new BigUint64Array(wide.buffer);
}

/** Puts strings one after the other. */
export function arrowStrings({
  validity,
  bytes,
  long,
  starts,
}: RawColumn & { readonly kind: "text" | "blob" }): ArrowStrings {
  const words = typedView(Uint32Array, bytes);
  const count = words.length / 4;
  const offsets = new Int32Array(count + 1);
  for (let row = 0; row < count; row++)
    offsets[row + 1] = (offsets[row] ?? 0) + (isValid(validity, row) ? (words[row * 4] ?? 0) : 0);
  const values = Buffer.allocUnsafeSlow(offsets[count] ?? 0);
  const outside = Buffer.from(long.buffer, long.byteOffset, long.byteLength);
  for (let row = 0; row < count; row++) {
    const [place = 0, end = 0] = [offsets[row], offsets[row + 1]];
    const length = end - place;
    if (length > INLINE_BYTES) {
      const start = starts[row] ?? 0;
      outside.copy(values, place, start, start + length);
    } else for (let i = 0; i < length; i++) values[place + i] = bytes[row * 16 + 4 + i] ?? 0;
  }
  return { offsets, values: new Uint8Array(values.buffer) };
}

/** Encodes strings. */
export function arrowTexts(texts: readonly (string | null)[]): ArrowStrings {
  const offsets = new Int32Array(texts.length + 1);
  const parts = texts.map((text) => Buffer.from(text ?? ""));
  for (const [i, { byteLength }] of parts.entries()) offsets[i + 1] = (offsets[i] ?? 0) + byteLength;
  return { offsets, values: new Uint8Array(Buffer.concat(parts)) };
}
