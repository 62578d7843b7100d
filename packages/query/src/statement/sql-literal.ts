import type { StorageError } from "@parquetry/core";
import { invalid } from "@parquetry/core/unstable";
import type { QueryValue } from "./query-parameters.ts";
import { quoteText } from "./quote.ts";

const INT32_MAX = 2n ** 31n - 1n;
const INT64_MAX = 2n ** 63n - 1n;
const INT128_MAX = 2n ** 127n - 1n;
const MAX_DEPTH = 32;
/** From this many items on, a list is one constant. */
const LONG_LIST = 100;

/**
 * Renders a parameter as SQL of a definite type. The same SQL is planned and executed, so pruning cannot be about another value
 * than the query. Whole numbers are INTEGER, BIGINT or HUGEINT, others DOUBLE; a Date is a TIMESTAMP in UTC; bytes are BLOB; an
 * array is a list, an object a struct, a Map a map; `undefined` is NULL. Strings stay literals, which take the type of what they
 * are compared with.
 *
 * @throws StorageError `invalid_argument` for a value that SQL cannot hold.
 */
export function sqlLiteral(value: QueryValue, name: string, depth = 0): string {
  if (depth > MAX_DEPTH) throw unusable(name, "is nested too deeply");
  switch (typeof value) {
    case "undefined":
      return "NULL";
    case "boolean":
      return value ? "true" : "false";
    case "string":
      if (!value.isWellFormed()) throw unusable(name, "contains half a surrogate pair");
      return quoteText(value);
    case "number":
      if (isWhole(value)) return integer(BigInt(value), name);
      return `CAST('${Object.is(value, -0) ? "-0.0" : value}' AS DOUBLE)`;
    case "bigint":
      return integer(value, name);
    case "object":
      return objectLiteral(value, name, depth);
    default:
      throw unusable(name, `is a ${typeof value}`);
  }
}

function objectLiteral(value: QueryValue & (object | null), name: string, depth: number): string {
  if (value === null) return "NULL";
  if (value instanceof Date) {
    const time = value.getTime();
    if (Number.isNaN(time)) throw unusable(name, "is an invalid Date");
    return `make_timestamp(CAST('${BigInt(time) * 1000n}' AS BIGINT))`;
  }
  if (value instanceof Uint8Array) {
    const hex = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
    return `from_hex('${hex}')`;
  }
  const inner = (item: QueryValue): string => sqlLiteral(item, name, depth + 1);
  if (Array.isArray(value)) {
    // Array.isArray does not narrow readonly arrays.
    const items = value as readonly QueryValue[];
    return longList(items, name) ?? `[${items.map(inner).join(", ")}]`;
  }
  if (value instanceof Map) {
    return `MAP {${[...value].map(([key, item]) => `${inner(key)}: ${inner(item)}`).join(", ")}}`;
  }
  const fields = Object.entries(value);
  const plain = Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null;
  if (!plain) throw unusable(name, `is an object of class ${value.constructor?.name ?? "unknown"}`);
  if (fields.length === 0) throw unusable(name, "is an object without fields, which SQL has no struct for");
  return `{${fields.map(([key, item]) => `${quoteText(key)}: ${inner(item)}`).join(", ")}}`;
}

/**
 * A long list of numbers, strings, booleans or Dates as one constant of the type that the list would have. DuckDB's tree has a node of several
 * hundred bytes for each constant, so a list of 250,000 items took seconds to parse. Undefined for any other list.
 */
function longList(items: readonly QueryValue[], name: string): string | undefined {
  if (items.length < LONG_LIST) return undefined;
  const values = items.filter((item) => item !== null && item !== undefined);
  if (values.length === 0) return undefined;
  if (values.every((item) => typeof item === "string")) {
    if (!values.every((item) => item.isWellFormed())) throw unusable(name, "contains half a surrogate pair");
    // The JSON of a NUL is not text to DuckDB.
    if (values.some((item) => item.includes("\0"))) return undefined;
    return `from_json(${quoteText(JSON.stringify(items))}, '["VARCHAR"]')`;
  }
  if (values.every((item) => typeof item === "boolean"))
    return `CAST('[${items.map((item) => String(item ?? "NULL")).join(",")}]' AS BOOLEAN[])`;
  if (values.every(isPlainDate)) {
    const texts = items.map((item) => (item instanceof Date ? item.toISOString().slice(0, -1) : "NULL"));
    return `CAST('[${texts.join(",")}]' AS TIMESTAMP[])`;
  }
  if (!values.every((item) => typeof item === "number" || typeof item === "bigint")) return undefined;
  const type = values.every((item) => typeof item === "bigint" || isWhole(item))
    ? `${integerType(values.map((item) => sizeOf(BigInt(item))).reduce(larger), name)}[]`
    : "DOUBLE[]";
  const texts = items.map((item) => (Object.is(item, -0) ? "-0.0" : String(item ?? "NULL")));
  return `CAST('[${texts.join(",")}]' AS ${type})`;
}

/** A Date of the years 0001 to 9999, whose ISO text is also DuckDB's. */
function isPlainDate(value: QueryValue): boolean {
  return value instanceof Date && value.getUTCFullYear() >= 1 && value.getUTCFullYear() <= 9999;
}

const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

function integer(value: bigint, name: string): string {
  return `CAST('${value}' AS ${integerType(sizeOf(value), name)})`;
}

const sizeOf = (value: bigint): bigint => (value < 0n ? -value - 1n : value);

function integerType(size: bigint, name: string): string {
  if (size > INT128_MAX) throw unusable(name, "is beyond the 128 bits of HUGEINT");
  return size <= INT32_MAX ? "INTEGER" : size <= INT64_MAX ? "BIGINT" : "HUGEINT";
}

const isWhole = (value: number): boolean => Number.isSafeInteger(value) && !Object.is(value, -0);

function unusable(name: string, problem: string): StorageError {
  return invalid(
    "sql",
    `the parameter ${name} ${problem}. Expected null, a boolean, number, bigint, string, Date, Uint8Array, or an array, plain object or Map of these`,
  );
}
