import { isStorageError, type StorageError } from "@parquetry/core";
import { invalid, isOfKind, isPlainObject } from "@parquetry/core/unstable";
import { findParameters } from "./find-parameters.ts";
import type { QueryParameters, QueryValue } from "./query-parameters.ts";
import { sqlLiteral } from "./sql-literal.ts";

/**
 * Puts parameters into SQL as typed literals: an array by position, an object by name.
 *
 * @throws StorageError `invalid_argument` for a parameter that is missing, that is not in the SQL, or that SQL cannot hold.
 * @example
 * ```ts
 * bindParameters("SELECT $year", { year: 2024 }); // SELECT CAST('2024' AS INTEGER)
 * ```
 */
export function bindParameters(sql: string, parameters: QueryParameters | undefined): string {
  const found = findParameters(sql);
  const values = valuesByName(parameters);
  const names = new Set(found.map(({ name }) => name));
  const unused = [...values.keys()].filter((name) => !names.has(name));
  if (unused.length > 0) {
    throw wrong(
      `the SQL has ${names.size === 0 ? "no parameters" : listed([...names])}, got ${listed(unused)}`,
    );
  }
  const missing = [...names].filter((name) => !values.has(name));
  if (missing.length > 0) {
    throw wrong(
      `${listed(missing)} ${missing.length === 1 ? "has" : "have"} no value (parquetry query: --param ${missing[0]}=value)`,
    );
  }

  let bound = "";
  let at = 0;
  for (const { start, end, name } of found) {
    const literal = literalOf(values.get(name), `$${name}`);
    // `$row.field` needs the brackets; `IN $list` forbids them.
    bound += sql.slice(at, start) + (sql[end] === "." ? `(${literal})` : literal);
    at = end;
  }
  return bound + sql.slice(at);
}

/** The value of one parameter as SQL. Its fields may have getters that throw. */
function literalOf(value: QueryValue, name: string): string {
  try {
    return sqlLiteral(value, name);
  } catch (error) {
    if (isStorageError(error)) throw error;
    throw wrong(`${name} cannot be read`, error);
  }
}

function valuesByName(parameters: QueryParameters | undefined): Map<string, QueryValue> {
  if (parameters === undefined) return new Map();
  // A Map or a Date would count as an object without values.
  if (!isOfKind("array", parameters) && !isPlainObject(parameters))
    throw wrong("they must be an array, by position, or a plain object, by name");
  if (Array.isArray(parameters)) return new Map(parameters.map((value, i) => [String(i + 1), value]));
  try {
    return new Map(Object.entries(parameters));
  } catch (cause) {
    throw wrong("one cannot be read, because its getter throws", cause);
  }
}

const listed = (names: readonly string[]): string => names.map((name) => `$${name}`).join(", ");

function wrong(problem: string, cause?: unknown): StorageError {
  return invalid("sql", `parameters: ${problem}`, cause);
}
