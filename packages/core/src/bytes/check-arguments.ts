import type { Row } from "./row.ts";
import { showValue } from "./show-value.ts";
import type { StorageBackend } from "./storage-backend.ts";
import { StorageError } from "./storage-error.ts";
import { suggest } from "./suggest.ts";

/** What kind of value an option takes; a `number` is finite, `texts` is a list of them. */
export type OptionKind = "boolean" | "number" | "text" | "texts" | "function" | "signal";

/**
 * The names of all options of a call, each with its kind, or `true` where the call checks the value by itself. The compiler
 * sees to it that none is left out.
 */
export type OptionNames<T> = { readonly [K in keyof T]-?: true | OptionKind };

const KINDS: Readonly<Record<OptionKind, readonly [expected: string, is: (value: unknown) => boolean]>> = {
  boolean: ["true or false", (value) => typeof value === "boolean"],
  number: ["a number", (value) => Number.isFinite(value)],
  text: ["a text", (value) => typeof value === "string"],
  texts: [
    "a list of texts",
    (value) => Array.isArray(value) && value.every((one) => typeof one === "string"),
  ],
  function: ["a function", (value) => typeof value === "function"],
  signal: ["an AbortSignal", (value) => value instanceof AbortSignal],
};

/**
 * Checks rows, for callers without types.
 *
 * @throws StorageError `invalid_argument` naming the first row that is none.
 */
export function checkRows(rows: readonly Row[], op: string): readonly Row[] {
  if (!Array.isArray(rows)) throw invalid(op, `rows are an array of objects, not ${showValue(rows)}`);
  rows.forEach((row, index) => {
    if (typeof row !== "object" || row === null || Array.isArray(row))
      throw invalid(op, `row ${index} is ${showValue(row)}, not an object of columns`);
  });
  return rows;
}

/**
 * Checks a list of column names, for callers without types.
 *
 * @throws StorageError `invalid_argument` where it is none.
 */
export function checkColumnList(columns: readonly string[] | undefined, op: string): void {
  if (columns === undefined) return;
  if (Array.isArray(columns) && columns.every((name) => typeof name === "string")) return;
  throw invalid(op, `columns is ${showValue(columns)}, expected a list of names such as ["team", "yards"]`);
}

/**
 * Checks options, for callers without types: one that is misspelt would else be ignored, and `{ overwite: true }` would add
 * rows where it was to replace them.
 *
 * @throws StorageError `invalid_argument` naming the option, the one that was probably meant, and all there are; or what was
 * expected of its value.
 * @example
 * ```ts
 * checkOptions(options, { recursive: "boolean", signal: "signal" }, "sweep");
 * ```
 */
export function checkOptions<T extends object>(options: T, names: OptionNames<T>, op: string): void {
  if (typeof options !== "object" || options === null)
    throw invalid(op, `options are an object, not ${showValue(options)}`);
  const kinds = new Map<string, true | OptionKind>(Object.entries(names));
  for (const [name, value] of Object.entries(options)) {
    const kind = kinds.get(name);
    if (kind === undefined) {
      const meant = suggest(name, kinds.keys());
      const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
      throw invalid(
        op,
        `there is no option ${showValue(name)}.${hint} Options are ${[...kinds.keys()].join(", ")}`,
      );
    }
    if (kind === true || value === undefined) continue;
    const [expected, is] = KINDS[kind];
    if (!is(value)) throw invalid(op, `${name} is ${showBriefly(value)}, expected ${expected}`);
  }
}

/**
 * Checks that something is a backend, for callers without types.
 *
 * @param name what to call it.
 * @throws StorageError `invalid_argument` naming it where it is none.
 * @example
 * ```ts
 * checkBackend(source, "source", "runMigration");
 * ```
 */
export function checkBackend(backend: StorageBackend, name: string, op: string): void {
  if (typeof backend?.get === "function" && typeof backend.put === "function") return;
  const given: unknown = backend;
  // An address is not shown: what stands in it may be a secret.
  const shown = typeof given === "string" ? "a text" : showBriefly(given);
  const remedy =
    given instanceof Promise
      ? "; await it first"
      : typeof given === "string"
        ? "; an address is opened first: await openBackend(address)"
        : "";
  throw invalid(
    op,
    `${name} is ${shown}, expected a StorageBackend, as createMemoryBackend() or parquetry's openBackend("s3://bucket") give${remedy}`,
  );
}

/** A value as a short text. What an object holds is not shown: a secret may be in it. */
function showBriefly(value: unknown): string {
  const shown = showValue(value);
  return shown.startsWith("{") ? "an object" : shown;
}

/** The error of an argument that the call cannot take. */
export function invalid(op: string, problem: string): StorageError {
  return new StorageError({ code: "invalid_argument", op, message: `${op}: ${problem}.` });
}
