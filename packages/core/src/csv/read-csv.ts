import { forEachYielding } from "../bytes/concurrency/yield-if-due.ts";
import type { Row } from "../bytes/row.ts";
import { type CsvField, CsvSyntaxError } from "./csv-parser.ts";
import { CsvTypes, csvDialects, csvError, csvNames, csvRows, mayBeNext } from "./csv-table.ts";
import type { CsvType } from "./csv-value.ts";
import { parseCsv } from "./parse-csv.ts";
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
 * Decodes a CSV file with a header line, and lets the event loop turn. A byte order mark is dropped; lines end in LF, CRLF or CR, also in a mixture.
 *
 * @param checkpoint called now and then; an error that it throws ends the decoding.
 * @throws StorageError `corrupt` that names the line, for a row of the wrong length, a stray quote, a repeated column name or
 * bytes of another encoding.
 * @example
 * ```ts
 * const { rows } = await decodeCsv(bytes, "rosters.csv", { encoding: "latin1", nullValues: ["", "NA"] });
 * ```
 */
export async function decodeCsv(
  bytes: Uint8Array,
  name: string,
  options: ReadCsvOptions = {},
  checkpoint?: () => void,
): Promise<CsvTable> {
  const records = await parseRecords(bytes, name, options, checkpoint);
  const names = csvNames(records.shift() ?? [], name);
  const types = new CsvTypes(options);
  await forEachYielding(records, (record) => types.add(record), checkpoint);
  const columns = (options.columns ?? names).map((column) => ({
    name: column,
    type: types.typeOf(names.indexOf(column)),
  }));
  const toRow = csvRows(names, types, options);
  const rows: Row[] = [];
  await forEachYielding(records, (record) => rows.push(toRow(record)), checkpoint);
  return { columns, rows };
}

async function parseRecords(
  bytes: Uint8Array,
  name: string,
  options: ReadCsvOptions,
  checkpoint?: () => void,
): Promise<CsvField[][]> {
  // The reported problem is the one of the most likely form.
  let first: unknown;
  for (const dialect of csvDialects(options)) {
    const records: CsvField[][] = [];
    try {
      for await (const some of parseCsv([bytes], name, options, dialect, checkpoint))
        for (const record of some) records.push(record);
      return records;
    } catch (error) {
      if (!(error instanceof CsvSyntaxError)) throw error;
      first ??= error;
      if (!mayBeNext(error, options)) break;
    }
  }
  throw csvError(first, name, options);
}
