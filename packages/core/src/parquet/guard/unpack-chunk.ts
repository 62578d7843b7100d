import type { ColumnMetaData } from "hyparquet";
import { decompressPage } from "./decompress-page.ts";
import type { FileBudget } from "./file-budget.ts";
import { checkLimit, LimitError } from "./limits.ts";
import { beginsRow, checkDataPage, checkDictionary, type LeafFacts, type PageBody } from "./page-body.ts";
import { type PageHeader, readPageHeader } from "./page-header.ts";

/** The largest page of any known writer, in bytes and in values. */
const MAX_PAGE_BYTES = 2 ** 28;
const MAX_PAGE_VALUES = 2 ** 24;
/** Byte arrays without a dictionary become one object each. */
const MAX_PAGE_BYTE_ARRAYS = 2 ** 22;

/** A page that is checked and decompressed. */
export interface UnpackedPage {
  readonly kind: "dictionary" | "data";
  readonly header: PageHeader;
  readonly body: PageBody;
  /** The number of its values, nulls included. */
  readonly values: number;
  /** Whether its first value begins a row. A list can go on from the page before. */
  readonly beginsRow: boolean;
}

/**
 * Splits a column chunk into its pages, and decompresses and checks each as it is taken: the decoder gets no page whose sizes,
 * counts or runs are wrong.
 *
 * @throws Error that describes the first problem.
 */
export function* unpackChunk(
  chunk: Uint8Array,
  { codec, num_values, path_in_schema }: ColumnMetaData,
  leaf: LeafFacts,
  budget: FileBudget,
): Generator<UnpackedPage> {
  const expected = Number(num_values);
  let values = 0;
  let hasDictionary = false;
  let offset = 0;
  try {
    while (values < expected) {
      if (offset >= chunk.byteLength) break;
      const page = readPageHeader(chunk, offset);
      const end = page.bodyStart + page.compressed;
      if (end > chunk.byteLength) throw new Error(`a page of ${page.compressed} bytes does not fit into it`);
      const mostValues =
        leaf.type === "BYTE_ARRAY" && !page.encoding.endsWith("DICTIONARY")
          ? MAX_PAGE_BYTE_ARRAYS
          : MAX_PAGE_VALUES;
      const { limits } = budget;
      const { uncompressed, values: count } = page;
      checkLimit(limits, "maxPageBytes", MAX_PAGE_BYTES, uncompressed, `a page claims ${uncompressed} bytes`);
      checkLimit(limits, "maxPageValues", mostValues, count, `a page claims ${count} values`);
      offset = end;
      if (page.kind === "index") continue;
      budget.chargeBytes(page.uncompressed);
      const body = unpackPage(chunk.subarray(page.bodyStart, end), page, codec);
      if (page.kind === "dictionary") {
        checkDictionary(page, leaf);
        hasDictionary = true;
      } else {
        checkDataPage(body, page, leaf, hasDictionary, budget);
        values += page.values;
      }
      const isDictionary = page.kind === "dictionary";
      yield {
        kind: isDictionary ? "dictionary" : "data",
        header: page,
        body,
        values: page.values,
        beginsRow: isDictionary || beginsRow(body, page, leaf),
      };
    }
    if (values !== expected) throw new Error(`its pages hold ${values} values, the footer says ${expected}`);
  } catch (error) {
    if (error instanceof LimitError) throw error;
    throw new Error(`column ${path_in_schema.join(".")}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
}

/** Returns the bytes of an uncompressed page, header and body, in order. */
export function piecesOf({ header, body }: UnpackedPage): readonly Uint8Array[] {
  return [...header.withCompressedSize(header.uncompressed), body.levels, body.values];
}

function unpackPage(bytes: Uint8Array, page: PageHeader, codec: ColumnMetaData["codec"]): PageBody {
  const levelBytes = page.repetitionBytes + page.definitionBytes;
  const values = bytes.subarray(levelBytes);
  return {
    levels: bytes.subarray(0, levelBytes),
    values: decompressPage(
      page.isCompressed ? codec : "UNCOMPRESSED",
      values,
      page.uncompressed - levelBytes,
    ),
  };
}
