import type { ColumnMetaData } from "hyparquet";
import { mapConcurrent } from "../bytes/concurrency/map-concurrent.ts";
import type { ByteSource } from "./byte-source.ts";

/** Columns that lie this close are fetched by one request, in bytes: a request costs more than what lies between. */
const MAX_GAP_BYTES = 32 * 1024;
/** Requests in flight for one row group. */
const FETCH_CONCURRENCY = 8;

interface Range {
  readonly start: number;
  end: number;
}

/**
 * Fetches column chunks in as few requests as their places allow.
 *
 * @returns the bytes of a chunk.
 */
export async function fetchColumnChunks(
  source: ByteSource,
  chunks: readonly ColumnMetaData[],
): Promise<(chunk: ColumnMetaData) => Uint8Array> {
  const fetched = await mapConcurrent(coalesce(chunks.map(chunkRange)), FETCH_CONCURRENCY, async (range) => ({
    range,
    bytes: await source.slice(range.start, range.end),
  }));
  return (chunk) => {
    const { start, end } = chunkRange(chunk);
    const found = fetched.find(({ range }) => range.start <= start && end <= range.end);
    if (found === undefined)
      throw new Error(`the bytes ${start} to ${end} are in no column that was asked for`);
    return new Uint8Array(found.bytes, start - found.range.start, end - start);
  };
}

/** Where a column chunk lies. */
export function chunkRange({
  dictionary_page_offset,
  data_page_offset,
  total_compressed_size,
}: ColumnMetaData): Range {
  const start = Number(dictionary_page_offset || data_page_offset);
  return { start, end: start + Number(total_compressed_size) };
}

function coalesce(ranges: readonly Range[]): readonly Range[] {
  const merged: Range[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last.end + MAX_GAP_BYTES) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}
