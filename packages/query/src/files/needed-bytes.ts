import { chunkLayout, type RowGroupPlace } from "@parquetry/core";
import type { NumberInterval } from "../duckdb/duckdb.ts";
import { CompactReader, listHeaderBytes, zigzagBytes } from "./thrift-compact.ts";

/** What a query needs of a Parquet file. */
export interface NeededParts {
  /** False where the query cannot need a column. */
  readonly mentions: (column: string) => boolean;
  /** By lower-case name of a column of integers, intervals of which one holds its value in every row that matters. */
  readonly intervals: ReadonlyMap<string, readonly NumberInterval[]>;
}

/** Bytes of a file, up to, not including, `end`. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** A Parquet file less what a query cannot need. */
export interface NeededBytes {
  /** The bytes to fetch, in order, all below `footerStart`. */
  readonly spans: readonly ByteSpan[];
  /** Where the footer goes, and it: the row groups that are left out are not in it. */
  readonly footerStart: number;
  readonly footer: Uint8Array;
  /** Names the columns and row groups. */
  readonly name: string;
}

/** What lies between two spans is fetched along where it is no more than this: a request costs more. */
const MAX_GAP_BYTES = 64 * 1024;
/** Above this share of the file it is fetched whole, and serves every later query. */
const MAX_SHARE = 0.7;
const MAGIC_BYTES = 4;
/** The footer's length and the magic. */
export const TRAILER_BYTES = 8;
/** The numbers of two fields of Parquet's FileMetaData. */
const NUM_ROWS = 3;
const ROW_GROUPS = 4;

/** How many bytes of the end of a Parquet file its footer takes, read from its last eight. Undefined where it is none. */
export function footerBytes(trailer: Uint8Array): number | undefined {
  if (trailer.byteLength < TRAILER_BYTES) return undefined;
  const last = trailer.subarray(-TRAILER_BYTES);
  if (Buffer.from(last.subarray(4)).toString("latin1") !== "PAR1") return undefined;
  return new DataView(last.buffer, last.byteOffset, TRAILER_BYTES).getUint32(0, true) + TRAILER_BYTES;
}

/**
 * Plans what to fetch of a file (docs/decisions/0015). Only column chunks can be left out: whatever else lies in the file,
 * such as an index or a Bloom filter, is fetched, so that nothing can be read as zeros. Undefined where the whole file is
 * as good.
 *
 * @throws Error where the footer is none; the file is then fetched whole, and the engine says what is wrong with it.
 */
export function neededBytes(
  tail: Uint8Array,
  sizeBytes: number,
  { mentions, intervals }: NeededParts,
): NeededBytes | undefined {
  const layout = chunkLayout(tail);
  const footerStart = sizeBytes - (footerBytes(tail) ?? sizeBytes);
  const kept = layout.map((group) => canMatter(group, intervals));
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
  const spans = coalesce(complement(unneeded, footerStart));
  const needed = spans.reduce((sum, { start, end }) => sum + end - start, 0);
  if (needed > sizeBytes * MAX_SHARE) return undefined;
  const footer = tail.subarray(tail.byteLength - (sizeBytes - footerStart));
  const groups = kept.flatMap((isKept, i) => (isKept ? [i] : []));
  return {
    spans,
    footerStart,
    footer: groups.length === kept.length ? footer : withoutRowGroups(footer, layout, kept),
    name: JSON.stringify([[...columns].sort(), groups.length === kept.length ? "all" : groups]),
  };
}

function canMatter({ chunks }: RowGroupPlace, intervals: NeededParts["intervals"]): boolean {
  return chunks.every(({ path, range }) => {
    const wanted = range === undefined ? undefined : intervals.get((path[0] ?? "").toLowerCase());
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

function coalesce(spans: readonly ByteSpan[]): readonly ByteSpan[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of spans) {
    const last = joined.at(-1);
    if (last !== undefined && start - last.end <= MAX_GAP_BYTES) last.end = end;
    else joined.push({ start, end });
  }
  return joined;
}

/** A footer without some row groups. Everything else in it stays byte for byte: it is never parsed and written anew. */
function withoutRowGroups(
  footer: Uint8Array,
  layout: readonly RowGroupPlace[],
  kept: readonly boolean[],
): Uint8Array {
  const rows = layout.reduce((sum, { rowCount }, i) => (kept[i] === true ? sum + rowCount : sum), 0n);
  const reader = new CompactReader(footer);
  const pieces: Uint8Array[] = [];
  let copied = 0;
  let field = 0;
  for (;;) {
    const header = reader.byte();
    if (header === 0) break;
    field = header >> 4 === 0 ? Number(reader.zigzag()) : field + (header >> 4);
    const valueStart = reader.at;
    if (field === NUM_ROWS) {
      reader.skip(header & 15);
      pieces.push(footer.subarray(copied, valueStart), zigzagBytes(rows));
      copied = reader.at;
    } else if (field === ROW_GROUPS) {
      const { size, type } = reader.listHeader();
      const elements = Array.from({ length: size }, () => {
        const start = reader.at;
        reader.skip(type, true);
        return footer.subarray(start, reader.at);
      });
      const left = elements.filter((_, i) => kept[i]);
      pieces.push(footer.subarray(copied, valueStart), listHeaderBytes(left.length, type), ...left);
      copied = reader.at;
    } else {
      reader.skip(header & 15);
    }
  }
  pieces.push(footer.subarray(copied, reader.at));
  const thrift = Buffer.concat(pieces);
  const trailer = Buffer.alloc(TRAILER_BYTES, "\0\0\0\0PAR1", "latin1");
  trailer.writeUInt32LE(thrift.byteLength, 0);
  return Buffer.concat([thrift, trailer]);
}
