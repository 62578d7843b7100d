import type { ParquetParsers, SchemaElement, SchemaTree } from "hyparquet";
import { StorageError } from "../bytes/storage-error.ts";
import { kindOf, listElement } from "./footer-type.ts";

/** Decimals of at most this many digits are returned as numbers: a double holds them exactly. */
const EXACT_DIGITS = 15;
/** The widest decimals of any writer, of 76 digits, take 32 bytes. */
const MAX_DECIMAL_BYTES = 64;

/** Converts a value that hyparquet returns to the value in a row. */
export type ReadValue = (value: unknown) => unknown;

/**
 * Returns the function that converts a column's values. The rule: a value becomes the JavaScript type that holds it exactly,
 * else a string or bigint. A missing value is null.
 *
 * | Parquet | rows |
 * | --- | --- |
 * | integers, signed or not | number if exact, else bigint |
 * | DECIMAL of up to 15 digits | number; of more digits a string: `"12345678901234567.89"` |
 * | DATE | Date, at midnight UTC |
 * | TIMESTAMP, INT96 | Date if it is whole milliseconds, else an ISO 8601 string with all digits |
 * | TIME | string: `"23:59:59.000001"` |
 * | UUID, STRING, ENUM | string |
 * | JSON | the value; rows with the same JSON may share one object |
 * | other bytes | Uint8Array |
 *
 * @throws StorageError `not_supported` for a decimal or time inside a map, and for VARIANT.
 */
export function valueReader(node: SchemaTree, name: string): ReadValue {
  const special = specialReader(node, name);
  if (special !== undefined) return special;
  return toJs;
}

/** Returns a reader for a node with a type that hyparquet leaves raw, or undefined if it has none. */
function specialReader(node: SchemaTree, name: string): ReadValue | undefined {
  const { element } = node;
  // The parts of a VARIANT refer to each other by offsets, so a few bytes can describe an endless value.
  if (element.logical_type?.type === "VARIANT") throw unsupported(node, name, "is a VARIANT");
  switch (kindOf(node)) {
    case "leaf": {
      const read = leafReader(element);
      if (read === undefined || element.repetition_type !== "REPEATED") return read;
      return (value) => (Array.isArray(value) ? value.map(nullable(read)) : null);
    }
    case "list": {
      const child = listElement(node);
      const read = child && specialReader(child, name);
      if (read === undefined) return undefined;
      return (value) => (Array.isArray(value) ? value.map(nullable(read)) : null);
    }
    case "map": {
      if (
        !node.children[0]?.children.some(
          (child) => !isJson(child) && specialReader(child, name) !== undefined,
        )
      )
        return undefined;
      throw unsupported(node, name, "is a map that holds decimals or times");
    }
    case "struct": {
      const fields = node.children.map(
        (child) => [child.element.name, specialReader(child, name) ?? toJs] as const,
      );
      if (!node.children.some((child) => specialReader(child, name) !== undefined)) return undefined;
      const one = (value: unknown): unknown => {
        if (typeof value !== "object" || value === null) return null;
        const source = value as Record<string, unknown>; // a struct as hyparquet assembles it
        return Object.fromEntries(fields.map(([field, read]) => [field, nullable(read)(source[field])]));
      };
      return element.repetition_type === "REPEATED"
        ? (value) => (Array.isArray(value) ? value.map(nullable(one)) : null)
        : one;
    }
  }
}

function unsupported(node: SchemaTree, name: string, problem: string): StorageError {
  return new StorageError({
    code: "not_supported",
    op: "readParquet",
    path: name,
    message: `${name}: the column ${node.path.join(".")} ${problem}, which is not supported. Read other columns by the option columns.`,
  });
}

const nullable =
  (read: ReadValue): ReadValue =>
  (value) =>
    value === null || value === undefined ? null : read(value);

/** Returns a reader for the types that {@link rawElement} hides from hyparquet. */
function leafReader(element: SchemaElement): ReadValue | undefined {
  if (isDecimal(element)) return decimalReader(element);
  // The value of the dictionary is shared: copies for each row could take any amount of memory.
  if (isJson({ element })) return (value) => value;
  switch (timeUnit(element)) {
    case "MILLIS":
      return (value) => timeText(integer(value), 3);
    case "MICROS":
      return (value) => timeText(integer(value), 6);
    case "NANOS":
      return (value) => timeText(integer(value), 9);
    default:
      return undefined;
  }
}

function decimalReader({ precision = 0, scale = 0, logical_type }: SchemaElement): ReadValue {
  const digits = logical_type?.type === "DECIMAL" ? logical_type.precision : precision;
  const decimals = logical_type?.type === "DECIMAL" ? logical_type.scale : scale;
  if (decimals === 0) return (value) => toJs(unscaled(value));
  if (digits > EXACT_DIGITS) return (value) => decimalText(unscaled(value), decimals);
  // Parsing the decimal finds the nearest double; multiplying by 0.01 may not.
  return (value) => Number(decimalText(unscaled(value), decimals));
}

function integer(value: unknown): bigint {
  return typeof value === "bigint" ? value : BigInt(Number(value));
}

/** Returns an unscaled decimal; bytes are big-endian two's complement. */
function unscaled(value: unknown): bigint {
  if (!(value instanceof Uint8Array)) return integer(value);
  if (value.byteLength === 0) return 0n;
  if (value.byteLength > MAX_DECIMAL_BYTES) throw new Error(`a decimal has ${value.byteLength} bytes`);
  return BigInt.asIntN(value.byteLength * 8, BigInt(`0x${Buffer.from(value).toString("hex")}`));
}

function decimalText(value: bigint, scale: number): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

function timeText(value: bigint, digits: number): string {
  const unit = 10n ** BigInt(digits);
  const seconds = value / unit;
  const two = (part: bigint): string => String(part).padStart(2, "0");
  const fraction = value % unit === 0n ? "" : `.${String(value % unit).padStart(digits, "0")}`;
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}${fraction}`;
}

const isJson = ({ element }: Pick<SchemaTree, "element">): boolean => element.converted_type === "JSON";

const isDecimal = ({ converted_type, logical_type }: SchemaElement): boolean =>
  converted_type === "DECIMAL" || logical_type?.type === "DECIMAL";

function timeUnit({
  converted_type,
  logical_type,
}: SchemaElement): "MILLIS" | "MICROS" | "NANOS" | undefined {
  if (converted_type === "TIME_MILLIS") return "MILLIS";
  if (converted_type === "TIME_MICROS") return "MICROS";
  return logical_type?.type === "TIME" ? logical_type.unit : undefined;
}

/** Returns a schema element without the types that hyparquet reads inexactly (decimals) or not at all (times). */
export function rawElement(element: SchemaElement): SchemaElement {
  if (!isDecimal(element) && timeUnit(element) === undefined) return element;
  const { converted_type: _, logical_type: __, ...raw } = element;
  return raw;
}

/** Timestamps become a Date if it is exact, else a string with all digits. Shapes become their bytes (WKB). */
export const PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => checkedDate(millis),
  timestampFromMicroseconds: (micros) => timestamp(micros, 3),
  timestampFromNanoseconds: (nanos) => timestamp(nanos, 6),
  geometryFromBytes: (bytes) => bytes,
  geographyFromBytes: (bytes) => bytes,
};

function timestamp(value: bigint, digits: number): Date | string | null {
  // hyparquet passes undefined for null inside lists, against its own types.
  if (value === undefined || value === null) return null;
  const unit = 10n ** BigInt(digits);
  const rest = ((value % unit) + unit) % unit;
  const date = checkedDate((value - rest) / unit);
  if (date === null || rest === 0n) return date;
  return date.toISOString().replace("Z", `${String(rest).padStart(digits, "0")}Z`);
}

function checkedDate(millis: bigint): Date | null {
  if (millis === undefined || millis === null) return null;
  const date = new Date(Number(millis));
  if (Number.isNaN(date.getTime()))
    throw new Error(`a timestamp of ${millis} ms is beyond what a Date can hold`);
  return date;
}

/** Returns values that hyparquet reads exactly, with safe bigints as numbers. */
export function toJs(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") {
    return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
  }
  if (typeof value !== "object" || value instanceof Date || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(toJs);
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, toJs(field)]));
}
