import {
  type ByteSpan,
  chunkLayout,
  coalesceRanges,
  footerBytes,
  keepRowGroups,
  type RowGroupPlace,
} from "@parquetry/core/unstable/tables";
import { foldName } from "../statement/fold-name.ts";
import type { NumberInterval } from "../statement/statement.ts";

/** The columns and rows of a Parquet file that a query needs. */
export interface NeededParts {
  /** False where the query cannot need a column. */
  readonly mentions: (column: string) => boolean;
  /** Intervals of an integer column; in every row that matters, one of them contains its value. Undefined: any value matters. */
  readonly intervalsOf: (column: string) => readonly NumberInterval[] | undefined;
}

/** The parts of a Parquet file that a query can need. */
export interface NeededBytes {
  /** The bytes to fetch, in order, all below `footerStart`. */
  readonly spans: readonly ByteSpan[];
  /** Where the footer starts, and its bytes, without the row groups that are left out. */
  readonly footerStart: number;
  readonly footer: Uint8Array;
  /** A name for the columns and row groups. */
  readonly name: string;
}

/** A gap of at most this size between two spans is fetched as well: another request would cost more. */
const MAX_GAP_BYTES = 64 * 1024;
/** If more than this share is needed, the whole file is fetched, and serves every later query. */
const MAX_SHARE = 0.7;
const MAGIC_BYTES = 4;

/**
 * Plans what to fetch of a file (docs/decisions/0015). Only column chunks can be left out. Everything else in the file, such as an
 * index or a Bloom filter, is fetched, so nothing can be read as zeros. Undefined where the whole file should be fetched.
 *
 * @throws Error where the footer cannot be read. The file is then fetched whole, and DuckDB reports what is wrong with it.
 */
export function neededBytes(
  tail: Uint8Array,
  sizeBytes: number,
  needs: NeededParts,
): NeededBytes | undefined {
  const layout = chunkLayout(tail);
  const { mentions, intervalsOf } = withoutAmbiguous(needs, layout);
  const footerStart = sizeBytes - (footerBytes(tail) ?? sizeBytes);
  const kept = layout.map((group) => canMatter(group, intervalsOf));
  const unneeded: ByteSpan[] = [];
  const columns = new Set<string>();
  for (const [i, { chunks }] of layout.entries()) {
    for (const { path, start, end } of chunks) {
      const [column = ""] = path;
      if (!(start >= MAGIC_BYTES && end >= start && end <= footerStart)) return undefined;
      if (kept[i] === true && mentions(column)) columns.add(column);
      else unneeded.push({ start, end });
    }
  }
  const spans = coalesceRanges(complement(unneeded, footerStart), MAX_GAP_BYTES);
  const needed = spans.reduce((sum, { start, end }) => sum + end - start, 0);
  if (needed > sizeBytes * MAX_SHARE) return undefined;
  const footer = tail.subarray(tail.byteLength - (sizeBytes - footerStart));
  const groups = kept.flatMap((isKept, i) => (isKept ? [i] : []));
  return {
    spans,
    footerStart,
    footer: groups.length === kept.length ? footer : keepRowGroups(footer, layout, kept),
    name: JSON.stringify([[...columns].sort(), groups.length === kept.length ? "all" : groups]),
  };
}

/** Of columns that differ only in case, DuckDB renames all but the first, so any of them can be meant: all are needed. */
function withoutAmbiguous(
  { mentions, intervalsOf }: NeededParts,
  layout: readonly RowGroupPlace[],
): NeededParts {
  const names = new Set(layout[0]?.chunks.map(({ path }) => path[0] ?? ""));
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const folded of [...names].map(foldName)) (seen.has(folded) ? repeated : seen).add(folded);
  if (repeated.size === 0) return { mentions, intervalsOf };
  const isAmbiguous = (column: string): boolean => repeated.has(foldName(column));
  return {
    mentions: (column) => isAmbiguous(column) || mentions(column),
    intervalsOf: (column) => (isAmbiguous(column) ? undefined : intervalsOf(column)),
  };
}

function canMatter({ chunks }: RowGroupPlace, intervalsOf: NeededParts["intervalsOf"]): boolean {
  return chunks.every(({ path, range }) => {
    const wanted = range === undefined ? undefined : intervalsOf(path[0] ?? "");
    if (wanted === undefined || range === undefined) return true;
    return wanted.some(
      ([low, high]) => (low === null || range.max >= low) && (high === null || range.min <= high),
    );
  });
}

function complement(unneeded: readonly ByteSpan[], end: number): readonly ByteSpan[] {
  const spans: ByteSpan[] = [];
  let at = 0;
  for (const span of [...unneeded].sort((a, b) => a.start - b.start)) {
    if (span.start > at) spans.push({ start: at, end: span.start });
    at = Math.max(at, span.end);
  }
  if (end > at) spans.push({ start: at, end });
  return spans;
}
