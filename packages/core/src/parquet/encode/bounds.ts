import { Buffer } from "#platform";
import { ByteSink } from "./byte-sink.ts";
import { type StoredValue, writePlain } from "./leaf-values.ts";
import type { LeafType } from "./shred.ts";

/** Longer bounds of text and bytes are cut to this many bytes. */
const MAX_BOUND_BYTES = 16;
/** A UTF-16 unit from which on the order of UTF-16 is not that of UTF-8. */
const HIGH_UNIT = /[\ud800-\uffff]/;

/** A limit of the values of a column chunk, as statistics hold it. */
export interface Bound {
  readonly bytes: Uint8Array;
  /** Whether it is itself one of the values. */
  readonly isExact: boolean;
}

/** The least and greatest value of a column chunk. */
export interface Bounds {
  readonly min?: Bound | undefined;
  readonly max?: Bound | undefined;
}

/**
 * Returns the bounds of values. There are none of JSON, whose order has no meaning, and none of numbers with NaN among them:
 * they would leave NaN out, and DuckDB, to which NaN is greater than every number, would skip the chunk when it looks for NaN.
 */
export function boundsOf(type: LeafType, values: ArrayLike<StoredValue>): Bounds {
  switch (type) {
    case "json":
    case "null":
      return {};
    case "string":
      return textBounds(values as ArrayLike<string>);
    case "binary":
      return binaryBounds(values as ArrayLike<Uint8Array>);
    default:
      return scalarBounds(type, values as ArrayLike<number | bigint | boolean>);
  }
}

function scalarBounds(type: LeafType, values: ArrayLike<number | bigint | boolean>): Bounds {
  let min = values[0];
  let max = min;
  if (min === undefined || max === undefined) return {};
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number | bigint | boolean;
    if (value < min) min = value;
    else if (value > max) max = value;
    else if (Number.isNaN(value)) return {};
  }
  return { min: scalarBound(type, min, -0), max: scalarBound(type, max, 0) };
}

/**
 * Returns a value as a bound. One of zero has the sign that includes both zeros, which comparisons do not tell apart (parquet.thrift,
 * "ColumnOrder"), so it may not be one of the values: DuckDB would answer `min` with it.
 */
function scalarBound(type: LeafType, value: number | bigint | boolean, zero: number): Bound {
  if (type !== "double" || value !== 0) return { bytes: plain(type, value), isExact: true };
  return { bytes: plain(type, zero), isExact: false };
}

const SCRATCH = new ByteSink();

function plain(type: LeafType, value: StoredValue): Uint8Array {
  writePlain(SCRATCH, type, [value], 0, 1);
  return SCRATCH.take();
}

function textBounds(values: ArrayLike<string>): Bounds {
  let min = values[0];
  let max = min;
  if (min === undefined || max === undefined) return {};
  let minIsHigh = HIGH_UNIT.test(min);
  let maxIsHigh = minIsHigh;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as string;
    if (minIsHigh ? isBefore(value, min) : value < min) {
      min = value;
      minIsHigh = HIGH_UNIT.test(value);
    }
    if (maxIsHigh ? isBefore(max, value) : value > max) {
      max = value;
      maxIsHigh = HIGH_UNIT.test(value);
    }
  }
  return { min: lowerBound(Buffer.from(min), true), max: upperBound(Buffer.from(max), true) };
}

/** Compares strings by their UTF-8 bytes. */
function isBefore(a: string, b: string): boolean {
  return HIGH_UNIT.test(a) && HIGH_UNIT.test(b) ? Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0 : a < b;
}

function binaryBounds(values: ArrayLike<Uint8Array>): Bounds {
  let min = values[0];
  let max = min;
  if (min === undefined || max === undefined) return {};
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as Uint8Array;
    if (Buffer.compare(value, min) < 0) min = value;
    if (Buffer.compare(value, max) > 0) max = value;
  }
  return { min: lowerBound(min, false), max: upperBound(max, false) };
}

function lowerBound(value: Uint8Array, isText: boolean): Bound {
  if (value.byteLength <= MAX_BOUND_BYTES) return { bytes: startOf(value), isExact: true };
  let end = MAX_BOUND_BYTES;
  // Text is cut between characters.
  while (isText && ((value[end] ?? 0) & 0xc0) === 0x80) end--;
  return { bytes: startOf(value, end), isExact: false };
}

/** Returns a copy of the first bytes. `slice` of a Buffer is not one: it shares the caller's memory. */
const startOf = (value: Uint8Array, end?: number): Uint8Array => new Uint8Array(value.subarray(0, end));

/** Returns a bound that is greater than all values that begin with the same bytes, or undefined if there is none so short. */
function upperBound(value: Uint8Array, isText: boolean): Bound | undefined {
  if (value.byteLength <= MAX_BOUND_BYTES) return { bytes: startOf(value), isExact: true };
  // In text, only an ASCII character can be replaced by the next one in one byte.
  const greatest = isText ? 0x7f : 0xff;
  for (let i = MAX_BOUND_BYTES - 1; i >= 0; i--) {
    const byte = value[i] ?? greatest;
    if (byte >= greatest) continue;
    const bytes = startOf(value, i + 1);
    bytes[i] = byte + 1;
    return { bytes, isExact: false };
  }
  return undefined;
}
