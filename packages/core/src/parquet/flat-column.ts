import type { SchemaTree } from "hyparquet";
import type { LeafFacts, UnpackedPage } from "./guard/index.ts";

/** The values of flat columns that {@link FlatColumn} decodes, by how their bytes become values of rows. */
export type FlatKind = "int32" | "int64" | "float" | "double" | "boolean" | "text";

/** Indices of more bits are left to hyparquet. */
const MOST_BITS = 24;
const WORD = 2 ** 32;
/** The high words of safe integers. */
const SAFE_HIGH = 2 ** 21;
const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Returns how {@link FlatColumn} decodes a top-level column, or undefined for columns that hyparquet decodes. */
export function flatKind({ element, children }: SchemaTree): FlatKind | undefined {
  const { type, converted_type, logical_type, repetition_type } = element;
  if (children.length > 0 || repetition_type === "REPEATED") return undefined;
  const isPlain = converted_type === undefined && logical_type === undefined;
  switch (type) {
    case "BOOLEAN":
      return isPlain ? "boolean" : undefined;
    case "FLOAT":
      return isPlain ? "float" : undefined;
    case "DOUBLE":
      return isPlain ? "double" : undefined;
    case "INT32":
      return isPlain ? "int32" : undefined;
    case "INT64":
      return isPlain ? "int64" : undefined;
    case "BYTE_ARRAY":
      return converted_type === "UTF8" && (logical_type === undefined || logical_type.type === "STRING")
        ? "text"
        : undefined;
    default:
      return undefined;
  }
}

/**
 * Decodes the pages of a flat column of the most frequent types and encodings. hyparquet, which decodes everything else, takes
 * several times as long for the many small columns of small files. A page with anything unusual is refused and left to
 * hyparquet, whose result or error is then the answer, so this never decides what a damaged page means.
 */
export class FlatColumn {
  readonly #kind: FlatKind;
  readonly #leaf: LeafFacts;
  #dictionary: readonly unknown[] | undefined;

  constructor(kind: FlatKind, leaf: LeafFacts) {
    this.#kind = kind;
    this.#leaf = leaf;
  }

  /** Takes the column's dictionary. Returns whether its data pages can be decoded here. */
  takeDictionary({ header, body }: UnpackedPage): boolean {
    if (this.#dictionary !== undefined || header.encoding.startsWith("RLE")) return false;
    this.#dictionary = decodePlain(this.#kind, body.values, 0, header.values);
    return this.#dictionary !== undefined;
  }

  /** Writes the values of a checked data page into the column. Returns false, and writes nothing, if the page is unusual. */
  decode({ header, body }: UnpackedPage, column: unknown[], from: number): boolean {
    const { kind, values, encoding } = header;
    const isV2 = kind === "data v2";
    if (header.repetitionBytes > 0 || this.#leaf.maxRepetition > 0 || from + values > column.length)
      return false;
    let start = 0;
    let defined: Uint8Array | undefined;
    let present = values;
    if (this.#leaf.maxDefinition > 0) {
      const bytes = isV2 ? body.levels : body.values;
      if (!isV2) start = 4 + uint32(bytes, 0);
      const levels = isV2 ? 0 : 4;
      const end = isV2 ? bytes.byteLength : start;
      if (!isRunOfOnes(bytes, levels, end, values)) {
        defined = new Uint8Array(values);
        if (!readRuns(bytes, levels, end, 1, defined)) return false;
        present = 0;
        for (let i = 0; i < values; i++) {
          if ((defined[i] ?? 0) > 1) return false;
          present += defined[i] ?? 0;
        }
      }
    }
    if (isV2 && (header.rows !== values || header.nulls !== values - present)) return false;
    const found =
      encoding === "PLAIN"
        ? decodePlain(this.#kind, body.values, start, present)
        : encoding.endsWith("_DICTIONARY")
          ? this.#lookUp(body.values, start, present)
          : undefined;
    if (found === undefined) return false;
    if (defined === undefined || present === values)
      for (let i = 0; i < values; i++) column[from + i] = found[i];
    // The column's values are null until they are decoded.
    else for (let i = 0, next = 0; i < values; i++) if (defined[i] === 1) column[from + i] = found[next++];
    return true;
  }

  #lookUp(bytes: Uint8Array, start: number, count: number): readonly unknown[] | undefined {
    const dictionary = this.#dictionary;
    const width = bytes[start];
    if (dictionary === undefined || width === undefined || width > MOST_BITS) return undefined;
    const indices = new Int32Array(count);
    if (!readRuns(bytes, start + 1, bytes.byteLength, width, indices)) return undefined;
    const found = new Array<unknown>(count);
    for (let i = 0; i < count; i++) {
      const index = indices[i] ?? 0;
      if (index >= dictionary.length) return undefined;
      found[i] = dictionary[index];
    }
    return found;
  }
}

/** Decodes values of the encoding PLAIN, or returns undefined if there are too few bytes. */
function decodePlain(
  kind: FlatKind,
  bytes: Uint8Array,
  start: number,
  count: number,
): readonly unknown[] | undefined {
  if (kind === "text") return decodeText(bytes, start, count);
  const values = new Array<unknown>(count);
  return decodeScalars(kind, bytes, start, count, values, 0) ? values : undefined;
}

/** Decodes numbers or booleans of the encoding PLAIN into an array. Returns false, and writes nothing, if there are too few bytes. */
function decodeScalars(
  kind: Exclude<FlatKind, "text">,
  bytes: Uint8Array,
  start: number,
  count: number,
  into: unknown[],
  from: number,
): boolean {
  const width = kind === "boolean" ? 1 / 8 : kind === "int32" || kind === "float" ? 4 : 8;
  if (start + Math.ceil(count * width) > bytes.byteLength) return false;
  const view = new DataView(bytes.buffer, bytes.byteOffset + start);
  switch (kind) {
    case "boolean":
      for (let i = 0; i < count; i++)
        into[from + i] = ((bytes[start + (i >> 3)] ?? 0) & (1 << (i & 7))) !== 0;
      break;
    case "int32":
      for (let i = 0; i < count; i++) into[from + i] = view.getInt32(i * 4, true);
      break;
    case "float":
      for (let i = 0; i < count; i++) into[from + i] = view.getFloat32(i * 4, true);
      break;
    case "double":
      for (let i = 0; i < count; i++) into[from + i] = view.getFloat64(i * 8, true);
      break;
    case "int64":
      for (let i = 0; i < count; i++) into[from + i] = int64(view, i * 8);
  }
  return true;
}

/** Reads an integer as a number if it is safe, else as a bigint. */
function int64(view: DataView, offset: number): number | bigint {
  const low = view.getUint32(offset, true);
  const high = view.getInt32(offset + 4, true);
  if (high === 0) return low;
  const isSafe = high < SAFE_HIGH && (high > -SAFE_HIGH || (high === -SAFE_HIGH && low > 0));
  return isSafe ? high * WORD + low : view.getBigInt64(offset, true);
}

function decodeText(bytes: Uint8Array, start: number, count: number): readonly string[] | undefined {
  const values = new Array<string>(count);
  let offset = start;
  for (let i = 0; i < count; i++) {
    const end = offset + 4 + uint32(bytes, offset);
    if (end > bytes.byteLength) return undefined;
    values[i] = UTF8.decode(bytes.subarray(offset + 4, end));
    offset = end;
  }
  return values;
}

/** Reads a number of 32 bits; beyond the end one that is too large for any length. */
function uint32(bytes: Uint8Array, offset: number): number {
  if (offset + 4 > bytes.byteLength) return WORD;
  return (
    ((bytes[offset] ?? 0) |
      ((bytes[offset + 1] ?? 0) << 8) |
      ((bytes[offset + 2] ?? 0) << 16) |
      ((bytes[offset + 3] ?? 0) << 24)) >>>
    0
  );
}

/** Whether the first of the runs that {@link readRuns} reads has all `count` values, each 1: the levels of a page without nulls. */
function isRunOfOnes(bytes: Uint8Array, start: number, end: number, count: number): boolean {
  let offset = start;
  let header = 0;
  let shift = 0;
  for (;;) {
    if (offset >= end || shift > 21) return false;
    const byte = bytes[offset++] ?? 0;
    header |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
    shift += 7;
  }
  return count > 0 && header === count * 2 && offset < end && bytes[offset] === 1;
}

/**
 * Reads runs that `checkRuns` has checked, of Parquet's hybrid of run lengths and bit packing.
 *
 * @returns whether they have as many values as `output`.
 */
function readRuns(
  bytes: Uint8Array,
  start: number,
  end: number,
  width: number,
  output: Uint8Array | Int32Array,
): boolean {
  const count = output.length;
  let offset = start;
  let seen = 0;
  while (seen < count) {
    let header = 0;
    let shift = 0;
    for (;;) {
      if (offset >= end || shift > 21) return false;
      const byte = bytes[offset++] ?? 0;
      header |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
      shift += 7;
    }
    if ((header & 1) === 0) {
      let value = 0;
      for (let bits = 0; bits < width; bits += 8) value |= (bytes[offset++] ?? 0) << bits;
      const next = seen + (header >>> 1);
      // A page could hold any number of runs without values.
      if (offset > end || next === seen || next > count) return false;
      output.fill(value, seen, next);
      seen = next;
      continue;
    }
    const values = (header >>> 1) * 8;
    const next = offset + (values * width) / 8;
    if (next > end || values === 0) return false;
    const last = Math.min(count, seen + values);
    const mask = (1 << width) - 1;
    let held = 0;
    let bits = 0;
    while (seen < last) {
      for (; bits < width; bits += 8) held |= (bytes[offset++] ?? 0) << bits;
      output[seen++] = held & mask;
      held >>>= width;
      bits -= width;
    }
    offset = next;
  }
  return true;
}
