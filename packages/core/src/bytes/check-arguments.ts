import type { Row, RowLike } from "./row.ts";
import { showValue } from "./show-value.ts";
import type { StorageBackend } from "./storage-backend.ts";
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
  string: { expected: "a string", is: (value) => typeof value === "string" },
  strings: {
    expected: "an array of strings",
    is: (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  },
  function: { expected: "a function", is: (value) => typeof value === "function" },
  signal: { expected: "an AbortSignal", is: (value) => value instanceof AbortSignal },
  object: { expected: "a plain object", is: isPlainObject },
  array: { expected: "an array", is: Array.isArray },
};

/** True for an object literal, also one of another realm; false for arrays, maps, dates and instances of classes. */
export function isPlainObject(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (Object.getPrototypeOf(prototype) === null && !Array.isArray(value));
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
    is: (value) => all.some(({ is }) => is(value)),
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
  if (!Array.isArray(rows)) throw invalid(op, `rows must be an array of objects, got ${showValue(rows)}`);
  rows.forEach((row, index) => {
    if (typeof row !== "object" || row === null || Array.isArray(row) || holdsNoColumns(row))
      throw invalid(op, `row ${index} must be an object of columns, got ${showValue(row)}`);
  });
  // The check has shown that they are.
  return rows as readonly Row[];
}

/** True for a Map, a Set, a Date, a promise: its content is not in properties, and it would be stored as a row of nulls. */
function holdsNoColumns(row: object): boolean {
  const isOther = Symbol.iterator in row || Symbol.toStringTag in row || row instanceof Date;
  return isOther && Object.keys(row).length === 0;
}

/**
 * Checks the names and kinds of a call's options: a misspelt name would be ignored otherwise, and `overwrite: "false"` would
 * count as true. Costs well under a microsecond and allocates nothing, so it may run before every operation.
 *
 * @throws StorageError `invalid_argument` that names the option and what was expected.
 * @example
 * ```ts
 * checkOptions(options, { recursive: "boolean", maxDepth: "count", signal: "signal" }, "sweep");
 * ```
 */
export function checkOptions<T extends object>(options: T, kinds: OptionKinds<T>, op: string): void {
  if (!isPlainObject(options))
    throw invalid(op, `options must be a plain object, got ${showBriefly(options)}`);
  for (const name in options) {
    if (!Object.hasOwn(kinds, name)) throw unknownOption(name, Object.keys(kinds), op);
    const kind = kinds[name];
    const value = options[name];
    if (value === undefined) continue;
    const { expected, is } = resolveKind(kind);
    if (!is(value)) throw invalid(op, `${name} must be ${expected}, got ${showBriefly(value)}`);
  }
}

function unknownOption(name: string, known: readonly string[], op: string): StorageError {
  const meant = suggest(name, known);
  const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
  return invalid(op, `there is no option ${showValue(name)}.${hint} Options are ${known.join(", ")}`);
}

/**
 * Checks that an argument is a backend, for callers without types.
 *
 * @param name the argument's name in the error.
 * @throws StorageError `invalid_argument` where it is not a backend.
 * @example
 * ```ts
 * checkBackend(source, "source", "runMigration");
 * ```
 */
export function checkBackend(backend: StorageBackend, name: string, op: string): void {
  if (typeof backend?.get === "function" && typeof backend.put === "function") return;
  const given: unknown = backend;
  // An address is not shown: it may hold a secret.
  const shown = typeof given === "string" ? "a string" : showBriefly(given);
  const remedy =
    given instanceof Promise
      ? "; await it first"
      : typeof given === "string"
        ? "; open an address first: await openBackend(address)"
        : "";
  throw invalid(
    op,
    `${name} must be a StorageBackend, such as createMemoryBackend() or openBackend("s3://bucket") of @parquetry/storage return, got ${shown}${remedy}`,
  );
}

/** A value as a short string. The content of an object is not shown: it may hold a secret. */
function showBriefly(value: unknown): string {
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
export function invalid(op: string, problem: string): StorageError {
  return new StorageError({ code: "invalid_argument", op, message: `${op}: ${problem}.` });
}
