import { stringify } from "csv-stringify/sync";
import { invalid } from "../bytes/check-arguments.ts";
import { checkNames } from "../bytes/check-names.ts";
import type { Row } from "../bytes/row.ts";
import { showValue } from "../bytes/show-value.ts";

/** Options for writing CSV files. */
export interface WriteCsvOptions {
  /** The separator of values. Default `,`. */
  readonly delimiter?: string | undefined;
  /** The columns and their order. Default: all, in the order in which they first appear. */
  readonly columns?: readonly string[] | undefined;
  /**
   * `true` puts an apostrophe before strings that a spreadsheet would run as a formula (those that start with `=`, `+`, `-`,
   * `@`, a tab or a carriage return). Such a string is read back with the apostrophe. Default false.
   */
  readonly escapeFormulas?: boolean | undefined;
}

/**
 * Encodes rows as CSV: UTF-8, a header line, LF, null as an empty field, Date as ISO 8601 in UTC, objects and arrays as JSON.
 *
 * @throws StorageError `invalid_argument` for column names that some reader would confuse.
 * @example
 * ```ts
 * encodeCsv([{ team: "Miami (OH)", won: true }]); // team,won\nMiami (OH),true\n
 * ```
 */
export function encodeCsv(rows: readonly Row[], options: WriteCsvOptions = {}): Uint8Array {
  const columns = options.columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  checkNames(columns, "writeCsv");
  const safe = options.escapeFormulas === true ? withoutFormula : (value: unknown): unknown => value;
  const text = stringify(
    rows.map((row, index) => columns.map((name) => safe(checkedValue(row[name], index, name)))),
    {
      header: true,
      columns: columns.map((header) => ({ key: header, header: String(safe(header)) })),
      delimiter: options.delimiter ?? ",",
      cast: {
        boolean: String,
        bigint: String,
        date: (value) => value.toISOString(),
        object: (value) => JSON.stringify(value),
      },
    },
  );
  return new TextEncoder().encode(text);
}

function withoutFormula(value: unknown): unknown {
  return typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
}

/** Refuses a value that CSV cannot express: csv-stringify would omit it, or fail without naming row and column. */
function checkedValue(value: unknown, row: number, column: string): unknown {
  const type = typeof value;
  if (type === "string" || type === "number" || type === "boolean" || value === null || value === undefined)
    return value;
  const isExpressible =
    value instanceof Date ? !Number.isNaN(value.getTime()) : type === "bigint" || hasJson(value);
  if (isExpressible) return value;
  throw invalid(
    "writeCsv",
    `row ${row}, column ${JSON.stringify(column)} is ${showValue(value)}, which CSV cannot express`,
  );
}

function hasJson(value: unknown): boolean {
  try {
    return JSON.stringify(value) !== undefined;
  } catch {
    return false;
  }
}
