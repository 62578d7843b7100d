import type { Row } from "../bytes/row.ts";
import { type CsvDialect, type CsvField, CsvSyntaxError } from "./csv-parser.ts";
import { CsvTypes, csvDialects, csvError, csvNames, csvRows, mayBeNext } from "./csv-table.ts";
import { parseCsv } from "./parse-csv.ts";
import type { ReadCsvOptions } from "./read-csv-options.ts";

/** Rows in a batch. */
const BATCH_ROWS = 8_192;

/**
 * Yields the rows of a CSV file in batches, and holds one batch at a time. A column's type depends on all of its values, so the
 * file is read twice unless `inferTypes` is false. The first reading finds how the file is escaped. Without it, only the
 * most likely form is tried, and a file that is escaped in another way is an error.
 *
 * @param open opens the file from its start, each time in the same version.
 * @param checkpoint called between pieces; an error that it throws ends the scan.
 * @throws StorageError `corrupt` that names the line.
 */
export async function* scanCsv(
  open: () => Promise<AsyncIterable<Uint8Array>>,
  name: string,
  options: ReadCsvOptions = {},
  checkpoint?: () => void,
): AsyncGenerator<Row[]> {
  const dialects = csvDialects(options);
  const { dialect, types } =
    options.inferTypes === false
      ? { dialect: dialects[0], types: undefined }
      : await inferTypes(open, name, options, dialects, checkpoint);
  let toRow: ((record: readonly CsvField[]) => Row) | undefined;
  let rows: Row[] = [];
  try {
    for await (const records of parseCsv(await open(), name, options, dialect, checkpoint)) {
      for (const record of records) {
        if (toRow === undefined) {
          toRow = csvRows(csvNames(record, name), types, options);
          continue;
        }
        if (rows.push(toRow(record)) < BATCH_ROWS) continue;
        yield rows;
        rows = [];
      }
    }
  } catch (error) {
    throw csvError(error, name, options);
  }
  if (rows.length > 0) yield rows;
}

async function inferTypes(
  open: () => Promise<AsyncIterable<Uint8Array>>,
  name: string,
  options: ReadCsvOptions,
  dialects: readonly CsvDialect[],
  checkpoint?: () => void,
): Promise<{ readonly dialect: CsvDialect; readonly types: CsvTypes }> {
  let first: unknown;
  for (const dialect of dialects) {
    const types = new CsvTypes(options);
    let isHeader = true;
    try {
      for await (const records of parseCsv(await open(), name, options, dialect, checkpoint)) {
        for (const record of records) {
          if (isHeader) csvNames(record, name);
          else types.add(record);
          isHeader = false;
        }
      }
      return { dialect, types };
    } catch (error) {
      if (!(error instanceof CsvSyntaxError)) throw error;
      first ??= error;
      if (!mayBeNext(error, options)) break;
    }
  }
  throw csvError(first, name, options);
}
