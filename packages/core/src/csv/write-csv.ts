import { Buffer } from "#platform";
import { invalid } from "../bytes/check-arguments.ts";
import { forEachYielding } from "../bytes/concurrency/yield-if-due.ts";
import { ownValue, type Row } from "../bytes/row.ts";
import { showValue } from "../bytes/show-value.ts";
import { csvNameProblem } from "./csv-table.ts";

/** Characters that are encoded at once. */
const CHUNK_LENGTH = 2 ** 18;

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
 * Encodes rows as CSV, and lets the event loop turn: UTF-8, a header line, LF, null as an empty field, an empty string as `""`, Date as ISO 8601 in UTC,
 * objects and arrays as JSON, whole numbers that are not safe integers with an exponent.
 *
 * @param checkpoint called now and then; an error that it throws ends the encoding.
 * @throws StorageError `invalid_argument` for column names that some reader would confuse, and for a value that CSV cannot
 * express, with its row and column.
 * @example
 * ```ts
 * await encodeCsv([{ team: "Miami (OH)", won: true }]); // team,won\nMiami (OH),true\n
 * ```
 */
export async function encodeCsv(
  rows: readonly Row[],
  options: WriteCsvOptions = {},
  checkpoint?: () => void,
): Promise<Uint8Array> {
  const { delimiter = ",", escapeFormulas = false } = options;
  const columns = options.columns ?? (await columnsOf(rows, checkpoint));
  const problem = csvNameProblem(columns);
  if (problem !== undefined) throw invalid("writeCsv", problem);
  if (columns.length === 0 && rows.length > 0)
    throw invalid("writeCsv", "the rows have no columns, so none of them could be read back");
  const encode = (text: string): string => quoted(escapeFormulas ? withoutFormula(text) : text, delimiter);
  const chunks: Uint8Array[] = [];
  let lines = `${columns.map(encode).join(delimiter)}\n`;
  await forEachYielding(
    rows,
    (row, index) => {
      const fields = columns.map((column) => {
        const value = ownValue(row, column);
        if (typeof value === "string" && value.isWellFormed()) return encode(value);
        return value === null || value === undefined ? "" : quoted(textOf(value, index, column), delimiter);
      });
      lines += `${fields.join(delimiter)}\n`;
      if (lines.length < CHUNK_LENGTH) return;
      chunks.push(Buffer.from(lines));
      lines = "";
    },
    checkpoint,
  );
  chunks.push(Buffer.from(lines));
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

async function columnsOf(rows: readonly Row[], checkpoint?: () => void): Promise<readonly string[]> {
  const names = new Set<string>();
  await forEachYielding(
    rows,
    (row) => {
      for (const name of Object.keys(row)) names.add(name);
    },
    checkpoint,
  );
  return [...names];
}

function withoutFormula(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

/**
 * Quotes a text that would be read as another one: an empty one as null, a byte order mark at the start of the file as none, and
 * the last characters of a text as the start of a long delimiter.
 */
function quoted(text: string, delimiter: string): string {
  const needsQuotes = text === "" || /["\r\n\ufeff]/.test(text) || text.includes(delimiter.charAt(0));
  return needsQuotes ? `"${text.replaceAll('"', '""')}"` : text;
}

function textOf(value: unknown, row: number, column: string): string {
  const text = expressed(value);
  if (text !== undefined) return text;
  throw invalid(
    "writeCsv",
    `row ${row}, column ${JSON.stringify(column)} is ${showValue(value)}, which CSV cannot express`,
  );
}

function expressed(value: unknown): string | undefined {
  switch (typeof value) {
    case "number":
      if (Object.is(value, -0)) return "-0";
      // Without an exponent it would be read back as an id, which is kept as a string.
      return Number.isInteger(value) && !Number.isSafeInteger(value) ? value.toExponential() : String(value);
    case "boolean":
    case "bigint":
      return String(value);
    case "object":
      try {
        return value instanceof Date ? value.toISOString() : JSON.stringify(value);
      } catch {
        return undefined;
      }
    default:
      return undefined;
  }
}
