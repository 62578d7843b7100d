import type { ColumnMetaData, RowGroup } from "hyparquet";
import { mapConcurrent } from "../concurrency.ts";
import type { ByteSource } from "./byte-source.ts";
import { checkPages } from "./page-headers.ts";

/** Columns that lie this close are fetched by one request, in bytes: a request costs more than what lies between. */
const MAX_GAP_BYTES = 32 * 1024;
/** Requests in flight for one row group. */
const FETCH_CONCURRENCY = 8;

interface Range {
  readonly start: number;
  end: number;
}

/**
 * Fetches the chunks of the given top-level columns of a row group in as few requests as their places allow, and checks
 * their pages.
 *
 * @returns the row group's bytes by absolute offsets, for the decoder.
 * @throws Error saying what does not fit.
 */
export async function fetchColumnChunks(
  source: ByteSource,
  group: RowGroup,
  columns: ReadonlySet<string>,
): Promise<(start: number, end: number) => ArrayBuffer> {
  const wanted = group.columns.flatMap(({ meta_data }) =>
    meta_data !== undefined && columns.has(meta_data.path_in_schema[0] ?? "") ? [meta_data] : [],
  );
  const fetched = await mapConcurrent(coalesce(wanted.map(chunkRange)), FETCH_CONCURRENCY, async (range) => ({
    range,
    bytes: await source.slice(range.start, range.end),
  }));
  const slice = (start: number, end: number): ArrayBuffer => {
    const found = fetched.find(({ range }) => range.start <= start && end <= range.end);
    if (found === undefined)
      throw new Error(`the bytes ${start} to ${end} are in no column that was asked for`);
    return found.bytes.slice(start - found.range.start, end - found.range.start);
  };
  for (const chunk of wanted) {
    const { start, end } = chunkRange(chunk);
    const found = fetched.find(({ range }) => range.start <= start && end <= range.end);
    if (found === undefined) continue;
    checkPages(new Uint8Array(found.bytes, start - found.range.start, end - start), chunk);
  }
  return slice;
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
