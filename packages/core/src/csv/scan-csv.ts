import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { CsvError, parse } from "csv-parse";
import type { Row } from "../bytes/row.ts";
import { isStorageError } from "../bytes/storage-error.ts";
import { type CsvType, convertCsvValue, narrowCsvType } from "./csv-value.ts";
import { corruptCsv, csvHeader, notUtf8, type ReadCsvOptions } from "./read-csv.ts";

/** Rows in a batch. */
const BATCH_ROWS = 8_192;

/**
 * Yields the rows of a CSV file in batches, and holds one batch at a time. A column's type depends on all of its values, so the
 * file is read twice unless `inferTypes` is false.
 *
 * @param open opens the file from its start, both times in the same version.
 * @throws StorageError `corrupt` that names the line.
 */
export async function* scanCsv(
  open: () => Promise<AsyncIterable<Uint8Array>>,
  name: string,
  options: ReadCsvOptions = {},
): AsyncGenerator<Row[]> {
  const { nullValues = [""], inferTypes = true } = options;
  const nulls = new Set(nullValues);
  const types = inferTypes ? await inferTypesOf(await open(), name, options, nulls) : [];
  let names: readonly string[] | undefined;
  let wanted: readonly (readonly [column: string, index: number])[] = [];
  let rows: Row[] = [];
  for await (const record of records(await open(), name, options)) {
    if (names === undefined) {
      const header = csvHeader(record, name);
      names = header;
      wanted = (options.columns ?? header).map((column) => [column, header.indexOf(column)] as const);
      continue;
    }
    const row: Row = {};
    for (const [column, index] of wanted) {
      const text = record[index];
      row[column] = text === undefined || nulls.has(text) ? null : convertCsvValue(types[index], text);
    }
    rows.push(row);
    if (rows.length < BATCH_ROWS) continue;
    yield rows;
    rows = [];
  }
  if (rows.length > 0) yield rows;
}

async function inferTypesOf(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  options: ReadCsvOptions,
  nulls: ReadonlySet<string>,
): Promise<readonly (CsvType | undefined)[]> {
  const types: (CsvType | undefined)[] = [];
  let isHeader = true;
  for await (const record of records(bytes, name, options)) {
    if (isHeader) csvHeader(record, name);
    else {
      for (const [i, text] of record.entries()) {
        if (types[i] !== "string" && !nulls.has(text)) types[i] = narrowCsvType(types[i], text);
      }
    }
    isHeader = false;
  }
  return types;
}

async function* records(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  { delimiter = ",", encoding = "utf-8" }: ReadCsvOptions,
): AsyncGenerator<string[]> {
  const parser = parse({ bom: true, delimiter, skip_empty_lines: true });
  const fed = pipeline(Readable.from(decode(bytes, name, encoding)), parser);
  // Its failure is thrown by the parser below; without this handler it would be "unhandled" until then.
  fed.catch(() => {});
  try {
    // csv-parse yields arrays of strings, since neither `columns` nor `cast` is set.
    for await (const record of parser) yield record as string[];
    await fed;
  } catch (error) {
    if (isStorageError(error)) throw error;
    if (error instanceof CsvError) throw corruptCsv(name, error.message, error);
    throw error;
  } finally {
    parser.destroy();
  }
}

async function* decode(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
  encoding: "utf-8" | "latin1",
): AsyncGenerator<string> {
  if (encoding === "latin1") {
    for await (const chunk of bytes)
      yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    return;
  }
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const decoded = (chunk?: Uint8Array): string => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
    } catch (cause) {
      throw notUtf8(name, cause);
    }
  };
  for await (const chunk of bytes) yield decoded(chunk);
  yield decoded();
}
