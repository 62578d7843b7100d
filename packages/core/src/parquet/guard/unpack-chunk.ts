import type { ColumnMetaData } from "hyparquet";
import { decompressPage } from "./decompress-page.ts";
import type { FileBudget } from "./file-budget.ts";
import { checkLimit, LimitError } from "./limits.ts";
import { checkDataPage, checkDictionary, type LeafFacts, type PageBody } from "./page-body.ts";
import { type PageHeader, readPageHeader } from "./page-header.ts";

/** The largest page of any known writer, in bytes and in values. */
const MAX_PAGE_BYTES = 2 ** 28;
const MAX_PAGE_VALUES = 2 ** 24;
/** Byte arrays without a dictionary become one object each. */
const MAX_PAGE_BYTE_ARRAYS = 2 ** 22;

/**
 * Splits a column chunk into its pages, and decompresses and checks each: the decoder gets no page whose sizes, counts or runs
 * are wrong.
 *
 * @returns the pieces of an uncompressed chunk, in order.
 * @throws Error that describes the first problem.
 */
export function unpackChunk(
  chunk: Uint8Array,
  { codec, num_values, path_in_schema }: ColumnMetaData,
  leaf: LeafFacts,
  budget: FileBudget,
): Uint8Array[] {
  const expected = Number(num_values);
  const pieces: Uint8Array[] = [];
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
      pieces.push(...page.withCompressedSize(page.uncompressed), body.levels, body.values);
    }
    if (values !== expected) throw new Error(`its pages hold ${values} values, the footer says ${expected}`);
  } catch (error) {
    if (error instanceof LimitError) throw error;
    throw new Error(`column ${path_in_schema.join(".")}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    });
  }
  return pieces;
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
