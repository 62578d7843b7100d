import { isStorageError, type StorageError } from "@parquetry/core/backend";
import { invalid } from "@parquetry/core/unstable";
import type { QueryParameters, QueryValue } from "@parquetry/query/unstable";

const INT32_MAX = 2n ** 31n - 1n;
const INT64_MAX = 2n ** 63n - 1n;
const MAX_DECIMAL_DIGITS = 38;
/** The most nested arrays and maps of a parameter. */
const MAX_DEPTH = 100;

/** A statement with its parameters: `EXECUTE IMMEDIATE '…' USING 2024`. */
export function withParameters(sql: string, parameters: QueryParameters | undefined): string {
  const literals = literalsOf(parameters);
  return literals.length === 0 ? sql : `EXECUTE IMMEDIATE ${quoteText(sql)} USING ${literals.join(", ")}`;
}

/** The values of parameters as SQL. */
export function literalsOf(parameters: QueryParameters | undefined): readonly string[] {
  if (parameters === undefined) return [];
  if (!Array.isArray(parameters))
    throw invalid(
      "sql",
      "Trino has no named parameters. Write ? in the SQL, and pass the values as an array",
    );
  // Array.isArray does not narrow readonly arrays.
  const values = parameters as readonly QueryValue[];
  return values.map((value, index) => literalOf(value, String(index + 1)));
}

/** A proxy, a getter or an iterator of the caller may throw. */
function literalOf(value: QueryValue, name: string): string {
  try {
    return trinoLiteral(value, name);
  } catch (error) {
    throw isStorageError(error) ? error : unusable(name, "cannot be read", error);
  }
}

/** A value as SQL of Trino. */
function trinoLiteral(value: QueryValue, name: string, depth = 0): string {
  if (depth > MAX_DEPTH) throw unusable(name, `is nested more than ${MAX_DEPTH} levels deep`);
  if (value === null || value === undefined) return "NULL";
  switch (typeof value) {
    case "boolean":
      return String(value);
    case "bigint":
      return integer(value, name);
    case "number":
      return number(value);
    case "string":
      if (!value.isWellFormed()) throw unusable(name, "contains half a surrogate pair");
      return quoteText(value);
    case "object":
      return composed(value, name, depth);
    default:
      throw unusable(name, `is a ${typeof value}`);
  }
}

/** A string as SQL: `'Hawai''i'`. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

function composed(
  value: Exclude<QueryValue, string | number | bigint | boolean | null | undefined>,
  name: string,
  depth: number,
): string {
  if (value instanceof Date) {
    const time = value.getTime();
    if (Number.isNaN(time)) throw unusable(name, "is an invalid Date");
    const text = value.toISOString();
    if (!/^\d{4}-/.test(text)) throw unusable(name, "is a Date beyond the years 0 to 9999");
    return `TIMESTAMP '${text.replace("T", " ").slice(0, -1)}'`;
  }
  if (value instanceof Uint8Array)
    return `X'${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex")}'`;
  const list = (items: Iterable<QueryValue>): string =>
    `ARRAY[${[...items].map((item) => trinoLiteral(item, name, depth + 1)).join(", ")}]`;
  if (Array.isArray(value)) return list(value as readonly QueryValue[]);
  if (value instanceof Map) return `MAP(${list(value.keys())}, ${list(value.values())})`;
  throw unusable(name, "is an object, and Trino has no literal of a ROW with names");
}

function number(value: number): string {
  if (Number.isNaN(value)) return "nan()";
  if (!Number.isFinite(value)) return value < 0 ? "-infinity()" : "infinity()";
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return integer(BigInt(value), String(value));
  const text = value.toExponential().replace("e+", "e").toUpperCase();
  return `DOUBLE '${Object.is(value, -0) ? "-0.0" : text}'`;
}

function integer(value: bigint, name: string): string {
  const size = value < 0n ? -value - 1n : value;
  if (size <= INT32_MAX) return String(value);
  if (size <= INT64_MAX) return `BIGINT '${value}'`;
  if (String(value).replace("-", "").length > MAX_DECIMAL_DIGITS)
    throw unusable(name, `has more than the ${MAX_DECIMAL_DIGITS} digits of DECIMAL`);
  return `DECIMAL '${value}'`;
}

function unusable(name: string, problem: string, cause?: unknown): StorageError {
  return invalid(
    "sql",
    `the parameter ${name} ${problem}. Expected null, a boolean, number, bigint, string, Date, Uint8Array, or an array or Map of these`,
    cause,
  );
}
