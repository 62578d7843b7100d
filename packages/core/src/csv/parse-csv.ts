import { yieldIfDue } from "../bytes/concurrency/yield-if-due.ts";
import { type CsvDialect, type CsvField, CsvParser } from "./csv-parser.ts";
import { CsvDecoder } from "./csv-text.ts";
import type { ReadCsvOptions } from "./read-csv-options.ts";

/** Bytes that are decoded and parsed without a break. */
const PIECE_BYTES = 64 * 1024;

/**
 * Yields the records that end in each piece of a file, and lets the event loop turn between pieces.
 *
 * @param checkpoint called between pieces; an error that it throws ends the parsing.
 * @throws CsvSyntaxError that names the line; StorageError `corrupt` for bytes of another encoding.
 */
export async function* parseCsv(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  name: string,
  options: ReadCsvOptions,
  dialect: CsvDialect,
  checkpoint?: () => void,
): AsyncGenerator<CsvField[][]> {
  const decoder = new CsvDecoder(name, options.encoding);
  const parser = new CsvParser(dialect);
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.byteLength; start += PIECE_BYTES) {
      yield parser.write(decoder.decode(chunk.subarray(start, start + PIECE_BYTES), false), false);
      await yieldIfDue();
      checkpoint?.();
    }
  }
  yield parser.write(decoder.decode(new Uint8Array(), true), true);
}
