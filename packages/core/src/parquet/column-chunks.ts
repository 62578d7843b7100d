import type { ColumnMetaData } from "hyparquet";
import { mapConcurrent } from "../bytes/concurrency/map-concurrent.ts";
import type { ByteSource } from "./byte-source.ts";

/** Columns with at most this many bytes between them are fetched by one request: a request costs more than these bytes. */
const MAX_GAP_BYTES = 32 * 1024;
/** Concurrent requests for one row group. */
const FETCH_CONCURRENCY = 8;

/** Bytes of a file, up to, not including, `end`. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * Fetches column chunks, neighbours by one request.
 *
 * @returns a function that returns the bytes of a chunk.
 */
export async function fetchColumnChunks(
  source: ByteSource,
  chunks: readonly ColumnMetaData[],
): Promise<(chunk: ColumnMetaData) => Uint8Array> {
  const ranges = coalesceRanges(chunks.map(chunkRange), MAX_GAP_BYTES);
  const fetched = await mapConcurrent(ranges, FETCH_CONCURRENCY, async (range) => ({
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

/** Returns where the bytes of a column chunk are. */
export function chunkRange({
  dictionary_page_offset,
  data_page_offset,
  total_compressed_size,
}: ColumnMetaData): ByteSpan {
  const start = Number(dictionary_page_offset || data_page_offset);
  return { start, end: start + Number(total_compressed_size) };
}

/**
 * Joins byte ranges with at most `maxGapBytes` between them.
 *
 * @example
 * ```ts
 * coalesceRanges([{ start: 0, end: 4 }, { start: 6, end: 9 }], 2); // [{ start: 0, end: 9 }]
 * ```
 */
export function coalesceRanges(ranges: readonly ByteSpan[], maxGapBytes: number): readonly ByteSpan[] {
  const merged: { start: number; end: number }[] = [];
  for (const { start, end } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last.end + maxGapBytes) last.end = Math.max(last.end, end);
    else merged.push({ start, end });
  }
  return merged;
}
