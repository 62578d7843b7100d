import { CsvError, parse } from "csv-parse/sync";
import { findNameProblem } from "../bytes/check-names.ts";
import type { Row } from "../bytes/row.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { type CsvType, convertCsvValue, narrowCsvType } from "./csv-value.ts";

/** Options for reading CSV files. */
export interface ReadCsvOptions {
  /** The encoding. Default `utf-8`; invalid bytes are an error, and never replaced. */
  readonly encoding?: "utf-8" | "latin1" | undefined;
  /** The strings that mean null, quoted or not. Default `[""]`; `["", "NA"]` for files of R, `[]` to keep empty strings. */
  readonly nullValues?: readonly string[] | undefined;
  /** The separator of values. Default `,`. */
  readonly delimiter?: string | undefined;
  /** `false` keeps every value as a string. Default true: each column has one type, inferred from every row. */
  readonly inferTypes?: boolean | undefined;
  /** Reads only these columns, in this order; one that the file lacks is null in every row. Default: all. */
  readonly columns?: readonly string[] | undefined;
}

/**
 * Decodes a CSV file with a header line. A byte order mark is dropped; lines end in LF or CRLF.
 *
 * @throws StorageError `corrupt` that names the line, for a row of the wrong length, a stray quote, a repeated column name or
 * bytes of another encoding.
 * @example
 * ```ts
 * decodeCsv(bytes, "rosters.csv", { encoding: "latin1", nullValues: ["", "NA"] });
 * ```
 */
export function decodeCsv(bytes: Uint8Array, name: string, options: ReadCsvOptions = {}): Row[] {
  const { nullValues = [""], delimiter = ",", inferTypes = true } = options;
  const nulls = new Set(nullValues);
  const records = parseRecords(decodeText(bytes, name, options.encoding ?? "utf-8"), name, delimiter);
  const names = csvHeader(records.shift() ?? [], name);
  const types = names.map((_, i) => (inferTypes ? inferType(records, i, nulls) : "string"));
  const wanted = (options.columns ?? names).map((column) => [column, names.indexOf(column)] as const);
  return records.map((record) => {
    const row: Row = {};
    for (const [column, index] of wanted) {
      const text = record[index];
      row[column] = text === undefined || nulls.has(text) ? null : convertCsvValue(types[index], text);
    }
    return row;
  });
}

/**
 * Checks the names of a header line.
 *
 * @throws StorageError `corrupt` for names that some reader would confuse.
 */
export function csvHeader(names: readonly string[], file: string): readonly string[] {
  const problem = findNameProblem(names);
  if (problem !== undefined) throw corruptCsv(file, `in its header line, ${problem}`);
  return names;
}

function inferType(records: readonly string[][], index: number, nulls: ReadonlySet<string>): CsvType {
  let type: CsvType | undefined;
  for (const record of records) {
    const text = record[index];
    if (text !== undefined && !nulls.has(text)) type = narrowCsvType(type, text);
    if (type === "string") break;
  }
  return type ?? "string";
}

function parseRecords(text: string, name: string, delimiter: string): string[][] {
  try {
    // Values are converted here: csv-parse's own `cast` is eight times slower, and turns 00123 into 123.
    return parse(text, { bom: true, delimiter, skip_empty_lines: true });
  } catch (error) {
    if (error instanceof CsvError) throw corruptCsv(name, error.message, error);
    throw error;
  }
}

function decodeText(bytes: Uint8Array, name: string, encoding: "utf-8" | "latin1"): string {
  if (encoding === "latin1")
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw notUtf8(name, cause);
  }
}

/** Returns the error of a file in another encoding. */
export function notUtf8(name: string, cause: unknown): StorageError {
  return corruptCsv(
    name,
    'it is not UTF-8; if it comes from an older system, read it with encoding: "latin1"',
    cause,
  );
}

/** Returns the error of a file that is not a CSV file. */
export function corruptCsv(name: string, problem: string, cause?: unknown): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "readCsv",
    path: name,
    message: `${name} is not a readable CSV file: ${problem}.`,
    cause,
  });
}
