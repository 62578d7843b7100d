import type { Row } from "./row.ts";
import { showValue } from "./show-value.ts";
import { StorageError } from "./storage-error.ts";

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

/** The error of an argument that the call cannot take. */
export function invalid(op: string, problem: string): StorageError {
  return new StorageError({ code: "invalid_argument", op, message: `${op}: ${problem}.` });
}
