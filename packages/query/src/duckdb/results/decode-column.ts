import { isAscii } from "node:buffer";
import { EXACT_DIGITS, exactDate, exactDecimal, exactInteger } from "@parquetry/core/unstable";
import type { ResultOptions } from "../duckdb.ts";
import { isValid, type RawColumn } from "./raw-column.ts";
import { timestampValue } from "./timestamp-value.ts";
import { typedView } from "./typed-view.ts";

const DAY_MS = 86_400_000;
const MAX_DATE_MS = 8_640_000_000_000_000;
const HIGH_WORD = 2 ** 32;
/** The signs of bytes that are not ASCII. */
const NOT_ASCII = 0x80808080;

type Of<Kind extends RawColumn["kind"]> = RawColumn & { readonly kind: Kind };

/**
 * Converts a column to the values that are documented at `QueryResult`. Almost all values are read as 32-bit words: a bigint for each
 * would take longer than everything else.
 */
export function decodeColumn(column: RawColumn, rowCount: number, options: ResultOptions): unknown[] {
  switch (column.kind) {
    case "values":
      return [...column.values];
    case "list":
      return decodeLists(column, rowCount, options);
    case "struct":
      return decodeStructs(column, rowCount, options);
    case "float":
      // Without NULLs these are arrays of unboxed numbers.
      if (column.validity === undefined) return Array.from(floats(column));
      return fill(rowCount, column.validity, reader(column, options));
    default:
      return fill(rowCount, column.validity, reader(column, options));
  }
}

function fill(rowCount: number, validity: Uint8Array | undefined, read: (row: number) => unknown): unknown[] {
  const values = new Array<unknown>(rowCount);
  if (validity === undefined) for (let row = 0; row < rowCount; row++) values[row] = read(row);
  else for (let row = 0; row < rowCount; row++) values[row] = isValid(validity, row) ? read(row) : null;
  return values;
}

function decodeLists(column: Of<"list">, rowCount: number, options: ResultOptions): unknown[] {
  const { validity, starts, lengths } = column;
  let count = 0;
  for (let row = 0; row < rowCount; row++) count = Math.max(count, (starts[row] ?? 0) + (lengths[row] ?? 0));
  const items = decodeColumn(column.items, count, options);
  return fill(rowCount, validity, (row) => {
    const start = starts[row] ?? 0;
    return items.slice(start, start + (lengths[row] ?? 0));
  });
}

function decodeStructs(column: Of<"struct">, rowCount: number, options: ResultOptions): unknown[] {
  const { validity, names } = column;
  const fields = column.fields.map((field) => decodeColumn(field, rowCount, options));
  const template: Record<string, unknown> = Object.fromEntries(names.map((name) => [name, null]));
  return fill(rowCount, validity, (row) => {
    const value = { ...template };
    for (let i = 0; i < names.length; i++) value[names[i] ?? ""] = fields[i]?.[row];
    return value;
  });
}

/** A function that returns the value of a row that has one. */
function reader(
  column: Exclude<RawColumn, { readonly kind: "values" | "list" | "struct" }>,
  options: ResultOptions,
): (row: number) => unknown {
  const { bytes } = column;
  switch (column.kind) {
    case "boolean":
      return (row) => bytes[row] !== 0;
    case "date": {
      const days = typedView(Int32Array, bytes);
      return (row) => date(days[row] ?? 0);
    }
    case "time":
      return times(bytes);
    case "float": {
      const values = floats(column);
      return (row) => values[row];
    }
    case "integer":
      return integers(column);
    case "enum": {
      const { width, names } = column;
      const places =
        width === 1 ? bytes : width === 2 ? typedView(Uint16Array, bytes) : typedView(Uint32Array, bytes);
      return (row) => names[places[row] ?? 0];
    }
    case "decimal":
      return decimals(column);
    case "timestamp":
      return timestamps(column, options);
    case "text":
      return texts(column);
    case "blob":
      return blobs(column);
  }
}

function times(bytes: Uint8Array): (row: number) => string {
  const micros = integers({ kind: "integer", bytes, width: 8, isSigned: true, validity: undefined });
  const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  return (row) => {
    const value = micros(row) as number;
    const seconds = Math.floor(value / 1e6);
    const rest = value % 1e6;
    const time = `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
    return rest === 0 ? time : `${time}.${String(rest).padStart(6, "0").replace(/0+$/, "")}`;
  };
}

function floats({ bytes, width }: Of<"float">): Float32Array | Float64Array {
  return width === 8 ? typedView(Float64Array, bytes) : typedView(Float32Array, bytes);
}

function date(days: number): Date | string {
  const ms = days * DAY_MS;
  return Math.abs(ms) <= MAX_DATE_MS ? new Date(ms) : exactDate(BigInt(days));
}

function integers({ bytes, width, isSigned }: Of<"integer">): (row: number) => unknown {
  switch (width) {
    case 1: {
      const values = isSigned ? typedView(Int8Array, bytes) : bytes;
      return (row) => values[row];
    }
    case 2: {
      const values = isSigned ? typedView(Int16Array, bytes) : typedView(Uint16Array, bytes);
      return (row) => values[row];
    }
    case 4: {
      const values = isSigned ? typedView(Int32Array, bytes) : typedView(Uint32Array, bytes);
      return (row) => values[row];
    }
    case 8: {
      const low = typedView(Uint32Array, bytes);
      const high = isSigned ? typedView(Int32Array, bytes) : low;
      const values = isSigned ? typedView(BigInt64Array, bytes) : typedView(BigUint64Array, bytes);
      return (row) => {
        const value = (high[row * 2 + 1] ?? 0) * HIGH_WORD + (low[row * 2] ?? 0);
        return Number.isSafeInteger(value) ? value : (values[row] ?? 0n);
      };
    }
    default:
      return wideIntegers(bytes, isSigned);
  }
}

function wideIntegers(bytes: Uint8Array, isSigned: boolean): (row: number) => number | bigint {
  const low = typedView(BigUint64Array, bytes);
  const high = isSigned ? typedView(BigInt64Array, bytes) : low;
  return (row) => exactInteger(((high[row * 2 + 1] ?? 0n) << 64n) + (low[row * 2] ?? 0n));
}

function decimals({ bytes, width, precision, scale }: Of<"decimal">): (row: number) => unknown {
  const unscaled =
    width === 16
      ? wideIntegers(bytes, true)
      : integers({ kind: "integer", bytes, width, isSigned: true, validity: undefined });
  if (scale === 0) return unscaled;
  // They are whole numbers.
  if (precision > EXACT_DIGITS)
    return (row) => exactDecimal(BigInt(unscaled(row) as number | bigint), precision, scale);
  const divisor = 10 ** scale;
  // Both are exact, so the quotient is the nearest number, as if the text had been parsed.
  return (row) => (unscaled(row) as number) / divisor;
}

function timestamps(
  { bytes, digits, isInstant }: Of<"timestamp">,
  { timestamps: wanted }: ResultOptions,
): (row: number) => unknown {
  const ticks = integers({ kind: "integer", bytes, width: 8, isSigned: true, validity: undefined });
  const perMs = 10 ** Math.max(digits, 0);
  const msPer = digits < 0 ? 10 ** -digits : 1;
  return (row) => {
    const value = ticks(row) as number | bigint;
    if (wanted !== "text" && typeof value === "number") {
      const rest = value % perMs;
      if (rest === 0 || wanted === "date") {
        // Rounds towards the past, also before 1970.
        const ms = ((value - rest) / perMs) * msPer - (rest < 0 ? 1 : 0);
        if (Math.abs(ms) <= MAX_DATE_MS) return new Date(ms);
      }
    }
    return timestampValue(BigInt(value) * BigInt(msPer), Math.max(digits, 0), wanted, isInstant);
  };
}

function texts({ bytes, long, starts }: Of<"text">): (row: number) => string {
  const words = typedView(Uint32Array, bytes);
  const inline = buffer(bytes);
  const outside = buffer(long);
  const inlineText = inline.toString("latin1");
  const isPlain = isAscii(long);
  let [known, w0, w1, w2, w3] = ["", 0, 0, 0, 0];
  return (row) => {
    const at = row * 4;
    const length = words[at] ?? 0;
    if (length > 12) {
      const start = starts[row] ?? 0;
      return isPlain
        ? outside.toString("latin1", start, start + length)
        : outside.toString("utf8", start, start + length);
    }
    const [a, b, c] = [words[at + 1] ?? 0, words[at + 2] ?? 0, words[at + 3] ?? 0];
    // Neighbours are often equal.
    if (a === w1 && b === w2 && c === w3 && length === w0) return known;
    [w0, w1, w2, w3] = [length, a, b, c];
    const start = row * 16 + 4;
    known =
      ((a | b | c) & NOT_ASCII) === 0
        ? inlineText.slice(start, start + length)
        : inline.toString("utf8", start, start + length);
    return known;
  };
}

function blobs({ bytes, long, starts }: Of<"blob">): (row: number) => Uint8Array {
  const words = typedView(Uint32Array, bytes);
  return (row) => {
    const length = words[row * 4] ?? 0;
    const start = length > 12 ? (starts[row] ?? 0) : row * 16 + 4;
    return new Uint8Array((length > 12 ? long : bytes).subarray(start, start + length));
  };
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
