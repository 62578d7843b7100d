import type { ParquetParsers, SchemaElement, SchemaTree } from "hyparquet";
import { Buffer } from "#platform";
import { StorageError } from "../bytes/storage-error.ts";
import { decoderName, isDecimal, isPlainList, timeUnit } from "./decoder-schema.ts";
import { exactDate, exactDecimal, exactInteger, exactTimestamp } from "./exact-values.ts";
import { kindOf, listElement } from "./footer-type.ts";

/** A limit for the time of reading a decimal, far above the 32 bytes of the widest ones. */
const MAX_DECIMAL_BYTES = 1024;

/** Converts a value that hyparquet returns to the value in a row. */
export type ReadValue = (value: unknown) => unknown;

/**
 * Returns the function that converts a column's values. The rule: a value becomes the JavaScript type that holds it exactly,
 * else a string or bigint. A missing value is null.
 *
 * | Parquet | rows |
 * | --- | --- |
 * | integers, signed or not | number if exact, else bigint |
 * | DECIMAL without a scale | as integers |
 * | DECIMAL(p, s) with p up to 15 | number |
 * | DECIMAL(p, s) with p above 15 | string with every digit: `"12345678901234567.89"` |
 * | DATE | Date, at midnight UTC; beyond what a Date holds an ISO 8601 string: `"+290000-01-01"`, `"infinity"` |
 * | TIMESTAMP, INT96 | Date if it holds the value exactly, else an ISO 8601 string with all digits: `"2024-01-01T00:00:00.123456Z"`, `"infinity"` |
 * | TIME | string: `"23:59:59.000001"` |
 * | UUID, STRING, ENUM | string |
 * | JSON | the value; rows with the same JSON may share one object |
 * | LIST | array |
 * | MAP | array of `{ key, value }`, in the file's order: an object would lose equal keys, and keys that are not text |
 * | group | object |
 * | other bytes | Uint8Array |
 *
 * @throws StorageError `not_supported` for VARIANT.
 */
export function valueReader(node: SchemaTree, name: string): ReadValue {
  return specialReader(node, name) ?? toJs;
}

/** Returns the reader of a node for which {@link toJs} is not enough, else undefined. */
function specialReader(node: SchemaTree, name: string): ReadValue | undefined {
  const { element } = node;
  // The parts of a VARIANT refer to each other by offsets, so a few bytes can describe an endless value.
  if (element.logical_type?.type === "VARIANT") throw unsupported(node, name, "is a VARIANT");
  const read = oneReader(node, name);
  return element.repetition_type === "REPEATED" && read !== undefined ? arrayOf(read) : read;
}

/** Returns the reader of one value of a node, whether or not the node is repeated. */
function oneReader(node: SchemaTree, name: string): ReadValue | undefined {
  switch (kindOf(node)) {
    case "leaf":
      return leafReader(node.element);
    case "list": {
      const child = listElement(node);
      const read = child && (isPlainList(node) ? specialReader : oneReader)(child, name);
      if (isPlainList(node)) return read && arrayOf(read);
      const items = arrayOf(read ?? toJs);
      return (value) => (isGroup(value) ? (items(fieldOf(value, 0)) ?? []) : null);
    }
    case "map": {
      const [key, item] = node.children[0]?.children ?? [];
      const readKey = nullable(key === undefined ? toJs : valueReader(key, name));
      const readItem = nullable(item === undefined ? toJs : valueReader(item, name));
      const entries = arrayOf((entry) => ({
        key: readKey(fieldOf(entry, 0)),
        value: readItem(fieldOf(entry, 1)),
      }));
      return (value) => nullable(entries)(fieldOf(value, 0));
    }
    case "struct": {
      const fields = node.children.map(
        (child, i) => [child.element.name, i, nullable(valueReader(child, name))] as const,
      );
      return (value) =>
        isGroup(value)
          ? Object.fromEntries(fields.map(([field, i, read]) => [field, read(fieldOf(value, i))]))
          : null;
    }
  }
}

/** Returns the n-th field of a group as hyparquet returns it. */
function fieldOf(group: unknown, index: number): unknown {
  return isGroup(group) ? group[decoderName(index)] : null;
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

const arrayOf =
  (read: ReadValue): ReadValue =>
  (value) =>
    Array.isArray(value) ? value.map(nullable(read)) : null;

const nullable =
  (read: ReadValue): ReadValue =>
  (value) =>
    value === null || value === undefined ? null : read(value);

function unsupported(node: SchemaTree, name: string, problem: string): StorageError {
  return new StorageError({
    code: "not_supported",
    op: "readParquet",
    path: name,
    message: `${name}: the column ${node.path.join(".")} ${problem}, which is not supported. Read other columns by the option columns.`,
  });
}

/** Returns a reader for the types that `decoderSchema` hides from hyparquet, and for shared values. */
function leafReader(element: SchemaElement): ReadValue | undefined {
  if (isDecimal(element)) return decimalReader(element);
  // The value of the dictionary is shared: copies for each row could take any amount of memory.
  if (element.converted_type === "JSON") return (value) => value;
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

function decimalReader({ precision = 0, scale = 0 }: SchemaElement): ReadValue {
  return (value) => exactDecimal(unscaled(value), precision, scale);
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

function timeText(value: bigint, digits: number): string {
  const unit = 10n ** BigInt(digits);
  const seconds = value / unit;
  const two = (part: bigint): string => String(part).padStart(2, "0");
  const fraction =
    value % unit === 0n
      ? ""
      : `.${String(value % unit)
          .padStart(digits, "0")
          .replace(/0+$/, "")}`;
  return `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}${fraction}`;
}

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * How hyparquet converts values: text keeps a byte order mark, a date or timestamp becomes a Date if that is exact, else a
 * string with all digits, and shapes become their bytes (WKB).
 */
export const PARSERS: Partial<ParquetParsers> = {
  stringFromBytes: (bytes) => bytes && UTF8.decode(bytes),
  // hyparquet passes undefined for null inside lists, against its own types.
  dateFromDays: (days) => (days === undefined || days === null ? null : exactDate(BigInt(days))),
  timestampFromMilliseconds: (millis) => timestamp(millis, 0),
  timestampFromMicroseconds: (micros) => timestamp(micros, 3),
  timestampFromNanoseconds: (nanos) => timestamp(nanos, 6),
  geometryFromBytes: (bytes) => bytes,
  geographyFromBytes: (bytes) => bytes,
};

function timestamp(value: bigint | undefined | null, digits: number): Date | string | null {
  return value === undefined || value === null ? null : exactTimestamp(BigInt(value), digits);
}

/** Returns values that hyparquet reads exactly, with safe bigints as numbers. */
export function toJs(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === "bigint") return exactInteger(value);
  if (Array.isArray(value)) return value.map(toJs);
  return value;
}
