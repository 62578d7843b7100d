import { stringify } from "csv-stringify/sync";
import { checkNames } from "../parquet/infer-columns.ts";
import type { Row } from "../row.ts";

/** How a CSV file is written. */
export interface WriteCsvOptions {
  /** What separates values. Default `,`. */
  readonly delimiter?: string | undefined;
  /** The columns and their order. Default: all, in the order in which they are first seen. */
  readonly columns?: readonly string[] | undefined;
}

/**
 * Encodes rows as CSV: UTF-8, a header line, LF, null as nothing, Date as ISO 8601 in UTC, objects and arrays
 * as JSON.
 *
 * @throws StorageError `invalid_argument` for column names that some reader would confuse.
 * @example
 * ```ts
 * encodeCsv([{ team: "Miami (OH)", won: true }]); // team,won\nMiami (OH),true\n
 * ```
 */
export function encodeCsv(rows: readonly Row[], options: WriteCsvOptions = {}): Uint8Array {
  const columns = options.columns ?? [...new Set(rows.flatMap((row) => Object.keys(row)))];
  checkNames(columns);
  const text = stringify(
    rows.map((row) => columns.map((name) => row[name])),
    {
      header: true,
      columns: columns.map((header) => ({ key: header, header })),
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
