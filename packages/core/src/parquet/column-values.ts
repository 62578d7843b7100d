import { ownValue, type Row } from "../bytes/row.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { type ColumnSchema, type ColumnType, typeName } from "./column-type.ts";

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Returns one column of `rows[start..end)`, with each value as the Parquet writer takes it for the column's type. A conversion
 * that would change a value is an error. `rowsBefore` rows of the file came in earlier arrays.
 *
 * @throws StorageError `invalid_argument` that names the row and the column.
 */
export function columnValues(
  rows: readonly Row[],
  column: ColumnSchema,
  start = 0,
  end: number = rows.length,
  rowsBefore = 0,
): unknown[] {
  const { name, type } = column;
  const convert = converter(type);
  const values = new Array<unknown>(end - start);
  for (let i = start; i < end; i++) {
    const value = ownValue(rows[i], name);
    if (value === null || value === undefined) {
      values[i - start] = null;
      continue;
    }
    const converted = convert(value);
    if (converted === undefined) {
      throw new StorageError({
        code: "invalid_argument",
        op: "write",
        message: `write: row ${rowsBefore + i}, column ${JSON.stringify(name)} is ${describe(value)}, which is not a valid ${typeName(type)}.`,
      });
    }
    values[i - start] = converted;
  }
  return values;
}

/** Converts a value that is not null. Returns undefined if it does not fit. */
type Convert = (value: unknown) => unknown;

function converter(type: ColumnType): Convert {
  if (typeof type === "object")
    return "list" in type ? listConverter(type.list) : structConverter(type.struct);
  switch (type) {
    case "int64":
      return toInt64;
    case "double":
      return toDouble;
    case "boolean":
      return (value) => (typeof value === "boolean" ? value : undefined);
    case "string":
      // UTF-8 cannot express half a surrogate pair: it would become another character.
      return (value) => (typeof value === "string" && value.isWellFormed() ? value : undefined);
    case "timestamp":
      return toMicroseconds;
    case "binary":
      return (value) => (value instanceof Uint8Array ? value : undefined);
    case "json":
      return toJson;
    case "null":
      return () => undefined;
  }
}

function toInt64(value: unknown): bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value === "bigint") return value >= INT64_MIN && value <= INT64_MAX ? value : undefined;
  return undefined;
}

function toDouble(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  // A bigint fits only if a double holds it exactly.
  if (typeof value === "bigint") return BigInt(Number(value)) === value ? Number(value) : undefined;
  return undefined;
}

function toMicroseconds(value: unknown): bigint | undefined {
  if (!(value instanceof Date) || Number.isNaN(value.getTime())) return undefined;
  return BigInt(value.getTime()) * 1000n;
}

function toJson(value: unknown): unknown {
  try {
    return JSON.stringify(value) === undefined ? undefined : value;
  } catch {
    // A bigint or a cycle.
    return undefined;
  }
}

function listConverter(element: ColumnType): Convert {
  const convert = converter(element);
  return (value) => {
    if (!Array.isArray(value)) return undefined;
    const items: unknown[] = [];
    for (const item of value) {
      const converted = item === null || item === undefined ? null : convert(item);
      if (converted === undefined) return undefined;
      items.push(converted);
    }
    return items;
  };
}

function structConverter(fields: readonly ColumnSchema[]): Convert {
  const converters = fields.map(({ name, type }) => [name, converter(type)] as const);
  const known = new Set(fields.map(({ name }) => name));
  return (value) => {
    if (typeof value !== "object" || value === null) return undefined;
    const source = value as Row; // any non-null object can be read by field name
    // A field that the schema lacks would be lost.
    for (const name in source) if (source[name] !== undefined && !known.has(name)) return undefined;
    const result: Row = {};
    for (const [name, convert] of converters) {
      const field = ownValue(source, name);
      const converted = field === null || field === undefined ? null : convert(field);
      if (converted === undefined) return undefined;
      result[name] = converted;
    }
    return result;
  };
}

function describe(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  // JSON has no NaN.
  if (typeof value === "number") return `${value} (number)`;
  if (typeof value === "object")
    return Array.isArray(value) ? "an array" : (value?.constructor?.name ?? "an object");
  return `${JSON.stringify(value) ?? String(value)} (${typeof value})`;
}
