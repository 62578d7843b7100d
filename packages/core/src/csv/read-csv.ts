import type { Row } from "../bytes/row.ts";
import { type CsvDialect, type CsvField, CsvParser } from "./csv-parser.ts";
import { CsvTypes, csvDialects, csvError, csvNames, csvRows, mayBeNext } from "./csv-table.ts";
import { CsvDecoder } from "./csv-text.ts";
import type { CsvType } from "./csv-value.ts";
import type { ReadCsvOptions } from "./read-csv-options.ts";

/** A column of a CSV file, or one that it lacks. */
export interface CsvColumn {
  readonly name: string;
  /** Undefined if all of its values are null. */
  readonly type: CsvType | undefined;
}

/** The content of a CSV file. */
export interface CsvTable {
  /** The columns that were read, also of a file without rows. */
  readonly columns: readonly CsvColumn[];
  readonly rows: Row[];
}

/**
 * Decodes a CSV file with a header line. A byte order mark is dropped; lines end in LF, CRLF or CR, also in a mixture.
 *
 * @throws StorageError `corrupt` that names the line, for a row of the wrong length, a stray quote, a repeated column name or
 * bytes of another encoding.
 * @example
 * ```ts
 * const { rows } = decodeCsv(bytes, "rosters.csv", { encoding: "latin1", nullValues: ["", "NA"] });
 * ```
 */
export function decodeCsv(bytes: Uint8Array, name: string, options: ReadCsvOptions = {}): CsvTable {
  const dialects = csvDialects(options);
  const text = new CsvDecoder(name, options.encoding).decode(bytes, true);
  const records = parseText(text, name, dialects, options);
  const names = csvNames(records.shift() ?? [], name);
  const types = new CsvTypes(options);
  for (const record of records) types.add(record);
  const columns = (options.columns ?? names).map((column) => ({
    name: column,
    type: types.typeOf(names.indexOf(column)),
  }));
  return { columns, rows: records.map(csvRows(names, types, options)) };
}

function parseText(
  text: string,
  name: string,
  dialects: readonly CsvDialect[],
  options: ReadCsvOptions,
): CsvField[][] {
  // The reported problem is the one of the most likely form.
  let first: unknown;
  for (const dialect of dialects) {
    try {
      return new CsvParser(dialect).write(text, true);
    } catch (error) {
      first ??= error;
      if (!mayBeNext(error, options)) break;
    }
  }
  throw csvError(first, name, options);
}
