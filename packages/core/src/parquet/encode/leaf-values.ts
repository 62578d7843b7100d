import { toJson } from "hyparquet";
import type { ByteSink } from "./byte-sink.ts";
import type { LeafType, Values } from "./shred.ts";

/** A value as it is encoded: integers and timestamps are numbers where these are exact, and JSON is its text. */
export type StoredValue = number | bigint | string | boolean | Uint8Array;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const WORD = 2 ** 32;
const UTF8 = new TextEncoder();
/** Strings up to this length are copied faster by a loop than by a call of the encoder. */
const SHORT_TEXT = 40;

/**
 * Replaces the values of a leaf column by what is encoded for them.
 *
 * @returns the index of the first value that does not fit the type, or -1.
 */
export function storeValues(type: LeafType, values: Values): number {
  switch (type) {
    case "int64":
      return findMisfit(values, isInt64);
    case "string":
      // UTF-8 cannot express half a surrogate pair: it would become another character.
      return findMisfit(values, (value) => typeof value === "string" && value.isWellFormed());
    case "boolean":
      return findMisfit(values, (value) => typeof value === "boolean");
    case "binary":
      return findMisfit(values, (value) => value instanceof Uint8Array);
    case "null":
      return values.length > 0 ? 0 : -1;
    case "double":
      return replaceEach(values, toDouble);
    case "timestamp":
      return replaceEach(values, toMicroseconds);
    case "json":
      return replaceEach(values, toJsonText);
  }
}

function isInt64(value: unknown): boolean {
  if (typeof value === "number") return Number.isSafeInteger(value);
  return typeof value === "bigint" && value >= INT64_MIN && value <= INT64_MAX;
}

function findMisfit(values: Values, fits: (value: unknown) => boolean): number {
  for (let i = 0; i < values.length; i++) if (!fits(values[i])) return i;
  return -1;
}

function replaceEach(values: Values, store: (value: unknown) => StoredValue | undefined): number {
  for (let i = 0; i < values.length; i++) {
    const stored = store(values[i]);
    if (stored === undefined) return i;
    values[i] = stored;
  }
  return -1;
}

function toDouble(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  // A bigint fits only if a double holds it exactly.
  if (typeof value === "bigint") return BigInt(Number(value)) === value ? Number(value) : undefined;
  return undefined;
}

function toMicroseconds(value: unknown): number | bigint | undefined {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) return undefined;
  const micros = value.getTime() * 1000;
  return Number.isSafeInteger(micros) ? micros : BigInt(value.getTime()) * 1000n;
}

function toJsonText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) === undefined ? undefined : JSON.stringify(toJson(value));
  } catch {
    // A bigint or a cycle.
    return undefined;
  }
}

/** Returns the number of bytes that PLAIN takes for a value; for text a lower limit, which is exact for ASCII. */
export function plainBytes(value: StoredValue): number {
  if (typeof value === "string") return value.length + 4;
  if (value instanceof Uint8Array) return value.byteLength + 4;
  return typeof value === "boolean" ? 0.125 : 8;
}

/** Appends values in the encoding PLAIN. */
export function writePlain(sink: ByteSink, type: LeafType, values: Values, start: number, end: number): void {
  switch (type) {
    case "int64":
    case "timestamp":
      writeIntegers(sink, values, start, end);
      break;
    case "double":
      writeDoubles(sink, values, start, end);
      break;
    case "boolean":
      writeBits(sink, values, start, end);
      break;
    case "string":
    case "json":
      for (let i = start; i < end; i++) writeText(sink, values[i] as string);
      break;
    case "binary":
      for (let i = start; i < end; i++) writeBytes(sink, values[i] as Uint8Array);
      break;
    case "null":
  }
}

function writeIntegers(sink: ByteSink, values: Values, start: number, end: number): void {
  sink.reserve((end - start) * 8);
  const view = new DataView(sink.bytes.buffer, sink.length);
  for (let i = start, to = 0; i < end; i++, to += 8) {
    const value = values[i] as number | bigint;
    if (typeof value === "number") {
      view.setInt32(to, value | 0, true);
      view.setInt32(to + 4, Math.floor(value / WORD), true);
    } else view.setBigInt64(to, value, true);
  }
  sink.length += (end - start) * 8;
}

function writeDoubles(sink: ByteSink, values: Values, start: number, end: number): void {
  sink.reserve((end - start) * 8);
  const view = new DataView(sink.bytes.buffer, sink.length);
  for (let i = start, to = 0; i < end; i++, to += 8) view.setFloat64(to, values[i] as number, true);
  sink.length += (end - start) * 8;
}

function writeBits(sink: ByteSink, values: Values, start: number, end: number): void {
  const bytes = new Uint8Array(Math.ceil((end - start) / 8));
  for (let i = start; i < end; i++) {
    const bit = i - start;
    if (values[i] === true) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  sink.append(bytes);
}

function writeText(sink: ByteSink, text: string): void {
  sink.reserve(4 + text.length * 3);
  const { bytes, length: at } = sink;
  let to = at + 4;
  let i = 0;
  if (text.length <= SHORT_TEXT) {
    for (; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) break;
      bytes[to++] = unit;
    }
  }
  if (i < text.length) to = at + 4 + UTF8.encodeInto(text, bytes.subarray(at + 4)).written;
  sink.uint32(to - at - 4);
  sink.length = to;
}

function writeBytes(sink: ByteSink, bytes: Uint8Array): void {
  sink.uint32(bytes.byteLength);
  sink.append(bytes);
}
