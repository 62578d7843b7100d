import type { Row } from "./row.ts";
import { showValue } from "./show-value.ts";
import { StorageError } from "./storage-error.ts";
import { suggest } from "./suggest.ts";

/** The names of all options of a call. The compiler sees to it that none is left out. */
export type OptionNames<T> = { readonly [K in keyof T]-?: true };

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
 * Checks the names of options, for callers without types: one that is misspelt would else be ignored, and
 * `{ overwite: true }` would add rows where it was to replace them.
 *
 * @throws StorageError `invalid_argument` naming the option, the one that was probably meant, and all there are.
 * @example
 * ```ts
 * checkOptions(options, { recursive: true, signal: true }, "sweep");
 * ```
 */
export function checkOptions<T extends object>(options: T, names: OptionNames<T>, op: string): void {
  if (typeof options !== "object" || options === null)
    throw invalid(op, `options are an object, not ${showValue(options)}`);
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const known = Object.keys(names);
    const meant = suggest(name, known);
    const hint = meant === undefined ? "" : ` Did you mean ${meant}?`;
    throw invalid(op, `there is no option ${showValue(name)}.${hint} Options are ${known.join(", ")}`);
  }
}

/** The error of an argument that the call cannot take. */
export function invalid(op: string, problem: string): StorageError {
  return new StorageError({ code: "invalid_argument", op, message: `${op}: ${problem}.` });
}
