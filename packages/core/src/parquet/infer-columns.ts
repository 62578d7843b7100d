import { invalid } from "../bytes/check-arguments.ts";
import { checkNames } from "../bytes/check-names.ts";
import { forEachYielding } from "../bytes/concurrency/yield-if-due.ts";
import type { Row } from "../bytes/row.ts";
import { type ColumnSchema, type ColumnType, typeName } from "./column-type.ts";
import { type ColumnTable, type ColumnValues, isColumnTable } from "./table-rows.ts";

/** The deepest nesting of lists and structs that is inferred. Deeper data is most likely a cycle. */
export const MAX_NESTING = 32;

/** Options of {@link inferColumns}. */
export interface InferOptions {
  /** Names of columns to leave out. */
  readonly except?: ReadonlySet<string> | undefined;
  /** Called between rows; an error that it throws stops the inference. */
  readonly checkpoint?: (() => void) | undefined;
}

/**
 * Infers the type of every column from every value, and lets the event loop turn. Columns are in the order in which they first
 * appear.
 *
 * Safe integers and `bigint` become `int64`; other numbers, also mixed with integers, `double`. Arrays become lists, plain
 * objects structs; a column without any value is `null`. A typed array is `double` if it holds floating-point numbers, else `int64`.
 *
 * @throws StorageError `invalid_argument` that names the row and the column, if values do not have a common type or cannot be
 * stored.
 * @example
 * ```ts
 * await inferColumns([{ team: "Texas A&M", yards: 5 }, { team: null, yards: 5.5 }]);
 * // [{ name: "team", type: "string" }, { name: "yards", type: "double" }]
 * ```
 */
export async function inferColumns(
  table: readonly Row[] | ColumnTable,
  options: InferOptions = {},
): Promise<ColumnSchema[]> {
  const types = await (isColumnTable(table) ? typesOfColumns(table, options) : typesOfRows(table, options));
  const columns = [...types]
    .filter(([name]) => !options.except?.has(name))
    .map(([name, type]): ColumnSchema => ({ name, type: settle(type) }));
  checkNames(
    columns.map(({ name }) => name),
    "write",
  );
  return columns;
}

type Types = Iterable<readonly [name: string, type: ColumnType]>;

async function typesOfRows(rows: readonly Row[], { except, checkpoint }: InferOptions): Promise<Types> {
  const names: string[] = [];
  const types: ColumnType[] = [];
  const places = new Map<string, number>();
  const take = (row: Row, index: number): void => {
    if (typeof row !== "object" || row === null || Array.isArray(row)) {
      throw invalid(
        "write",
        `row ${index} is ${row === null ? "null" : Array.isArray(row) ? "an array" : typeof row}, not an object of columns`,
      );
    }
    let next = 0;
    for (const name in row) {
      // Most rows have their columns in the same order.
      let place = names[next] === name ? next : places.get(name);
      if (place === undefined) {
        place = names.length;
        places.set(name, place);
        names.push(name);
        types.push("null");
      }
      next = place + 1;
      const value = row[name];
      if (value === null || value === undefined || except?.has(name)) continue;
      types[place] = withValue(types[place] ?? "null", value, index, name);
    }
  };
  await forEachYielding(rows, take, checkpoint);
  return names.map((name, place) => [name, types[place] ?? "null"] as const);
}

async function typesOfColumns(
  { columns }: ColumnTable,
  { except, checkpoint }: InferOptions,
): Promise<Types> {
  const types = new Map<string, ColumnType>();
  for (const [name, values] of Object.entries(columns)) {
    let type: ColumnType = "null";
    if (ArrayBuffer.isView(values)) type = isFloats(values) ? "double" : "int64";
    else if (!except?.has(name)) {
      const take = (value: unknown, index: number): void => {
        if (value !== null && value !== undefined) type = withValue(type, value, index, name);
      };
      await forEachYielding(values, take, checkpoint);
    }
    types.set(name, type);
  }
  return types;
}

const isFloats = (values: ColumnValues): boolean =>
  values instanceof Float64Array || values instanceof Float32Array;

/** Returns the type of a column after one more value. */
function withValue(known: ColumnType, value: unknown, row: number, column: string): ColumnType {
  const type = typeOf(value, row, column, 0);
  return known === type ? known : mergeTypes(known, type, row, column);
}

function typeOf(value: unknown, row: number, column: string, depth: number): ColumnType {
  switch (typeof value) {
    case "number":
      return Number.isInteger(value) && !Object.is(value, -0) ? checkedInteger(value, row, column) : "double";
    case "bigint":
      return "int64";
    case "string":
      return "string";
    case "boolean":
      return "boolean";
    case "object":
      return typeOfObject(value, row, column, depth);
    default:
      throw invalid("write", `${at(row, column)} is a ${typeof value}, which cannot be stored`);
  }
}

/** Refuses an integer that a double cannot hold exactly: it has most likely lost digits already. */
function checkedInteger(value: number, row: number, column: string): ColumnType {
  if (Number.isSafeInteger(value)) return "int64";
  // Beyond 2^63 it cannot be an id that lost digits: 1e300 is a plausible measurement.
  if (Math.abs(value) >= 2 ** 63) return "double";
  throw invalid(
    "write",
    `${at(row, column)} is ${value}, an integer beyond 2^53 that a number cannot hold exactly; pass a bigint or a string`,
  );
}

function typeOfObject(value: object | null, row: number, column: string, depth: number): ColumnType {
  if (value === null) return "null";
  if (depth > MAX_NESTING)
    throw invalid("write", `${at(row, column)} is nested deeper than ${MAX_NESTING} levels; is it a cycle?`);
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime()))
      throw invalid("write", `${at(row, column)} is an invalid Date; pass null`);
    return "timestamp";
  }
  if (value instanceof Uint8Array) return "binary";
  if (Array.isArray(value)) {
    let element: ColumnType = "null";
    for (const item of value) {
      if (item === null || item === undefined) continue;
      element = mergeTypes(element, typeOf(item, row, column, depth + 1), row, column);
    }
    return { list: element };
  }
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw invalid(
      "write",
      `${at(row, column)} is a ${value.constructor?.name ?? "class instance"}; expected a plain object, array, Date or Uint8Array`,
    );
  }
  const struct = Object.entries(value).map(
    ([name, field]): ColumnSchema => ({
      name,
      type: field === undefined ? "null" : typeOf(field, row, `${column}.${name}`, depth + 1),
    }),
  );
  checkNames(
    struct.map(({ name }) => name),
    "write",
  );
  return { struct };
}

function mergeTypes(a: ColumnType, b: ColumnType, row: number, column: string): ColumnType {
  if (a === b || b === "null") return a;
  if (a === "null") return b;
  if ((a === "int64" && b === "double") || (a === "double" && b === "int64")) return "double";
  if (typeof a === "object" && typeof b === "object") {
    if ("list" in a && "list" in b) return { list: mergeTypes(a.list, b.list, row, column) };
    if ("struct" in a && "struct" in b) {
      const fields = new Map(a.struct.map(({ name, type }) => [name, type]));
      for (const { name, type } of b.struct) {
        const known = fields.get(name);
        fields.set(name, known === undefined ? type : mergeTypes(known, type, row, `${column}.${name}`));
      }
      return { struct: [...fields].map(([name, type]) => ({ name, type })) };
    }
  }
  throw invalid(
    "write",
    `${at(row, column)} is ${typeName(b)} but ${typeName(a)} in earlier rows; use one type for the column, or pass a schema`,
  );
}

/** Replaces structs without fields, which Parquet cannot store, by JSON. */
function settle(type: ColumnType): ColumnType {
  if (typeof type === "string") return type;
  if ("list" in type) return { list: settle(type.list) };
  if (type.struct.length === 0) return "json";
  return { struct: type.struct.map(({ name, type: field }) => ({ name, type: settle(field) })) };
}

function at(row: number, column: string): string {
  return `row ${row}, column ${JSON.stringify(column)}`;
}
