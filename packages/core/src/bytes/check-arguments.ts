import type { Row, RowLike } from "./row.ts";
import { showValue } from "./show-value.ts";
import { StorageError } from "./storage-error.ts";
import { suggest } from "./suggest.ts";

/** A kind of value: `is` accepts it, and `expected` completes the sentence "expected …" for a value that it refuses. */
export interface CustomKind {
  readonly expected: string;
  readonly is: (value: unknown) => boolean;
}

/**
 * The kind of value that an option takes: a name of {@link KINDS}, or what {@link oneOf}, {@link either} or the call itself
 * defines.
 *
 * | kind | accepts |
 * | --- | --- |
 * | `boolean` | `true` or `false` |
 * | `number` | a finite number |
 * | `positive` | a finite number above 0: a rate, or milliseconds |
 * | `whole` | a whole number, 0 or more |
 * | `count` | a whole number, 1 or more |
 * | `bytes` | a whole number of bytes, 0 or more |
 * | `string`, `strings` | a string; an array of strings |
 * | `function`, `signal` | a function; an `AbortSignal` |
 * | `object` | a plain object: no array, `Map`, `Date` or instance of another class |
 * | `array` | an array of anything |
 * | `iterable` | an array or another iterable or async iterable, not a string |
 */
export type OptionKind =
  | "boolean"
  | "number"
  | "positive"
  | "whole"
  | "count"
  | "bytes"
  | "string"
  | "strings"
  | "function"
  | "signal"
  | "object"
  | "array"
  | "iterable"
  | CustomKind;

/** The kind of each option of a call. The compiler refuses a table that lacks one. */
export type OptionKinds<T> = { readonly [K in keyof T]-?: OptionKind };

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

const KINDS: Readonly<Record<Exclude<OptionKind, CustomKind>, CustomKind>> = {
  boolean: { expected: "true or false", is: (value) => typeof value === "boolean" },
  number: { expected: "a finite number", is: (value) => Number.isFinite(value) },
  positive: {
    expected: "a number above 0",
    is: (value) => Number.isFinite(value) && (value as number) > 0,
  },
  whole: { expected: "a whole number, 0 or more", is: isWhole },
  count: { expected: "a whole number, 1 or more", is: (value) => isWhole(value) && value !== 0 },
  bytes: { expected: "a whole number of bytes", is: isWhole },
  string: { expected: "a string", is: isText },
  strings: { expected: "an array of strings", is: (value) => Array.isArray(value) && value.every(isText) },
  function: { expected: "a function", is: (value) => typeof value === "function" },
  signal: { expected: "an AbortSignal", is: (value) => value instanceof AbortSignal },
  object: { expected: "a plain object", is: isPlainObject },
  array: { expected: "an array", is: Array.isArray },
  iterable: {
    expected: "an array or another iterable",
    is: (value) =>
      typeof value === "object" &&
      value !== null &&
      (Symbol.iterator in value || Symbol.asyncIterator in value),
  },
};

/** Half a surrogate pair has no UTF-8: a header or a path that contains it could never be sent. */
function isText(value: unknown): boolean {
  return typeof value === "string" && value.isWellFormed();
}

/** True for an object literal, also one of another realm; false for arrays, maps, dates and instances of classes. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === null || (Object.getPrototypeOf(prototype) === null && !Array.isArray(value));
  } catch {
    // A proxy that throws.
    return false;
  }
}

/** Whether a value is of a kind. A value whose use throws, such as a getter or a revoked proxy, is of none. */
export function isOfKind(kind: OptionKind, value: unknown): boolean {
  try {
    return resolveKind(kind).is(value);
  } catch {
    return false;
  }
}

/**
 * The kind of an option that takes one of a few values.
 *
 * @example
 * ```ts
 * const KINDS: OptionKinds<{ onConflict?: "retry" | "fail" }> = { onConflict: oneOf("retry", "fail") };
 * ```
 */
export function oneOf(...values: readonly unknown[]): CustomKind {
  return { expected: values.map(showValue).join(" or "), is: (value) => values.includes(value) };
}

/**
 * The kind of an option that takes values of several kinds.
 *
 * @example
 * ```ts
 * const KINDS: OptionKinds<{ untrusted?: boolean | Limits }> = { untrusted: either("boolean", "object") };
 * ```
 */
export function either(...kinds: readonly OptionKind[]): CustomKind {
  const all = kinds.map(resolveKind);
  return {
    expected: all.map(({ expected }) => expected).join(" or "),
    is: (value) => all.some((kind) => isOfKind(kind, value)),
  };
}

/**
 * The kind of an object that another call returned: a plain object with these fields, and perhaps more.
 *
 * @example
 * ```ts
 * const parity = objectWith("what verifyMigration() returns", { folder: "string", source: "whole" });
 * ```
 */
export function objectWith(expected: string, fields: Readonly<Record<string, OptionKind>>): CustomKind {
  return {
    expected,
    is: (value) =>
      isPlainObject(value) && Object.entries(fields).every(([name, kind]) => isOfKind(kind, value[name])),
  };
}

/**
 * The kind of an array whose elements are all of one kind.
 *
 * @example
 * ```ts
 * const columns = arrayOf(objectWith("a column", { name: "string" }));
 * ```
 */
export function arrayOf(kind: OptionKind): CustomKind {
  const { expected } = resolveKind(kind);
  return {
    expected: `an array, each of it ${expected}`,
    is: (value) => Array.isArray(value) && value.every((one) => isOfKind(kind, one)),
  };
}

function resolveKind(kind: OptionKind): CustomKind {
  return typeof kind === "string" ? KINDS[kind] : kind;
}

/**
 * Checks rows, for callers without types.
 *
 * @throws StorageError `invalid_argument` that names the first row that is not an object.
 */
export function checkRows(rows: readonly RowLike[], op: string): readonly Row[] {
  if (!isOfKind("array", rows)) throw invalid(op, `rows must be an array of objects, got ${showValue(rows)}`);
  rows.forEach((row, index) => {
    if (!isOfKind(ROW, row))
      throw invalid(op, `row ${index} must be an object of columns, got ${showValue(row)}`);
  });
  // The check has shown that they are.
  return rows as readonly Row[];
}

const ROW: CustomKind = {
  expected: "an object of columns",
  is: (row) => typeof row === "object" && row !== null && !Array.isArray(row) && !holdsNoColumns(row),
};

/** True for a Map, a Set, a Date, a promise: its content is not in properties, and it would be stored as a row of nulls. */
function holdsNoColumns(row: object): boolean {
  const isOther = Symbol.iterator in row || Symbol.toStringTag in row || row instanceof Date;
  return isOther && Object.keys(row).length === 0;
}

/**
 * Checks the names and kinds of a call's options: a misspelt name would be ignored otherwise, and `overwrite: "false"` would
 * count as true. Costs well under a microsecond and allocates nothing, so it may run before every operation.
 *
 * @param within the option that contains these: `csv` makes the messages name `csv.delimiter`.
 * @throws StorageError `invalid_argument` that names the option and what was expected.
 * @example
 * ```ts
 * checkOptions(options, { recursive: "boolean", maxDepth: "count", signal: "signal" }, "sweep");
 * ```
 */
export function checkOptions<T extends object>(
  options: T,
  kinds: OptionKinds<T>,
  op: string,
  within?: string,
): void {
  // A variable of another type, since isPlainObject would narrow T.
  const given: unknown = options;
  if (!isPlainObject(given))
    throw invalid(op, `${within ?? "options"} must be a plain object, got ${showBriefly(options)}`);
  const prefix = within === undefined ? "" : `${within}.`;
  for (const name in options) {
    if (!Object.hasOwn(kinds, name))
      throw unknownOption(
        prefix + name,
        Object.keys(kinds).map((known) => prefix + known),
        op,
      );
    checkKind(options, name, kinds[name], op, prefix + name);
  }
}

function checkKind<T extends object>(
  options: T,
  name: keyof T,
  kind: OptionKind,
  op: string,
  shown: string,
): void {
  let value: unknown;
  try {
    value = options[name];
  } catch (cause) {
    throw invalid(op, `${shown} cannot be read, because its getter throws`, cause);
  }
  if (value === undefined) return;
  const resolved = resolveKind(kind);
  if (!isOfKind(resolved, value))
    throw invalid(op, `${shown} must be ${resolved.expected}, got ${showBriefly(value)}`);
}

/**
 * Checks one argument, for callers without types. Unlike an option it is required: undefined is refused.
 *
 * @throws StorageError `invalid_argument` that names the argument and what was expected.
 * @example
 * ```ts
 * checkArgument(directory, "string", "directory", "clearCache");
 * ```
 */
export function checkArgument(value: unknown, kind: OptionKind, name: string, op: string): void {
  const resolved = resolveKind(kind);
  if (!isOfKind(resolved, value))
    throw invalid(op, `${name} must be ${resolved.expected}, got ${showBriefly(value)}`);
}

function unknownOption(name: string, known: readonly string[], op: string): StorageError {
  const meant = suggest(name, known);
  const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
  return invalid(op, `there is no option ${showValue(name)}.${hint} Options are ${known.join(", ")}`);
}

/** A value as a short string. The content of an object is not shown: it may hold a secret. */
export function showBriefly(value: unknown): string {
  if (typeof value === "string" && !value.isWellFormed()) return "a string with half a surrogate pair";
  const shown = showValue(value);
  return shown.startsWith("{") ? "an object" : shown;
}

/**
 * Returns the error of an invalid argument.
 *
 * @example
 * ```ts
 * throw invalid("sweep", "from and to are the same place");
 * ```
 */
export function invalid(op: string, problem: string, cause?: unknown): StorageError {
  return new StorageError({ code: "invalid_argument", op, message: `${op}: ${problem}.`, cause });
}
