import { isYieldDue, yieldIfDue } from "../../bytes/concurrency/yield-if-due.ts";
import { StorageError } from "../../bytes/storage-error.ts";
import { type Bounds, boundsOf } from "./bounds.ts";
import { ByteSink } from "./byte-sink.ts";
import { type Dictionary, findDictionary } from "./dictionary.ts";
import { bitWidth, writeHybridRuns } from "./hybrid-runs.ts";
import { plainBytes, type StoredValue, storeValues, writePlain } from "./leaf-values.ts";
import type { LeafPlace, LeafType, ShreddedLeaf } from "./shred.ts";
import { appendSnappy } from "./snappy.ts";
import { ThriftWriter } from "./thrift-writer.ts";

/** A page ends after this many bytes, uncompressed, or with the row that reaches them. */
const PAGE_BYTES = 2 ** 20;
/** A page that one row makes larger cannot be compressed, and soon not be expressed: its size has 31 bits. */
const MOST_PAGE_BYTES = 2 ** 30;

/** Numbers of Parquet's enumerations (parquet.thrift). */
const ENCODING = { PLAIN: 0, RLE: 3, RLE_DICTIONARY: 8 } as const;
const PAGE = { DICTIONARY: 2, DATA_V2: 3 } as const;

const PLAIN_ENCODINGS = [ENCODING.PLAIN, ENCODING.RLE];
const DICTIONARY_ENCODINGS = [...PLAIN_ENCODINGS, ENCODING.RLE_DICTIONARY];
const DICTIONARY_PAGE = { type: PAGE.DICTIONARY, encoding: ENCODING.PLAIN, count: 1 };

/** The footer's entry for a column chunk. */
export interface WrittenChunk extends Bounds {
  readonly place: LeafPlace;
  readonly slots: number;
  readonly nulls: number;
  /** Its offset in the file. */
  readonly start: number;
  readonly dictionaryBytes: number;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  readonly encodings: readonly number[];
  /** How many pages of a type have an encoding. */
  readonly pages: readonly { readonly type: number; readonly encoding: number; readonly count: number }[];
}

/** The parts of a page. They keep their memory for the next page, which is written in one go, unless a page was unusually large. */
const KEPT_BYTES = 2 ** 22;
const LEVELS = new ByteSink();
const BODY = new ByteSink();
const COMPRESSED = new ByteSink();

/** A value that does not fit its column. */
export class Misfit {
  /** The row, counted from the first row of the chunk. */
  readonly row: number;

  constructor(row: number) {
    this.row = row;
  }
}

/**
 * Encodes the leaf of a column as a column chunk: pages of at most about {@link PAGE_BYTES}, compressed by Snappy.
 *
 * @param fileOffset the offset in the file at which `sink` begins.
 * @returns what the footer says of it, or the first value that does not fit.
 */
export async function writeChunk(
  sink: ByteSink,
  fileOffset: number,
  leaf: ShreddedLeaf,
): Promise<WrittenChunk | Misfit> {
  const { place, definition } = leaf;
  const misfit = storeValues(place.type, leaf.values);
  if (misfit >= 0) return new Misfit(rowOf(leaf, misfit));
  if (isYieldDue()) await yieldIfDue();
  // They are what `storeValues` stored.
  const values = leaf.values as ArrayLike<StoredValue>;
  const start = sink.length;
  const dictionary = findDictionary(values);
  if (isYieldDue()) await yieldIfDue();
  const bounds = boundsOf(place.type, dictionary?.entries ?? values);
  if (isYieldDue()) await yieldIfDue();
  let uncompressedBytes = dictionary === undefined ? 0 : writeDictionary(sink, place, dictionary);
  const dictionaryBytes = sink.length - start;
  let pages = 0;
  for (const page of pagesOf(leaf, dictionary)) {
    uncompressedBytes += writeDataPage(sink, leaf, page, dictionary);
    pages++;
    if (isYieldDue()) await yieldIfDue();
  }
  const dataPages = {
    type: PAGE.DATA_V2,
    encoding: dictionary === undefined ? ENCODING.PLAIN : ENCODING.RLE_DICTIONARY,
    count: pages,
  };
  return {
    place,
    slots: definition.length,
    nulls: definition.length - values.length,
    start: fileOffset + start,
    dictionaryBytes,
    compressedBytes: sink.length - start,
    uncompressedBytes,
    encodings: dictionary === undefined ? PLAIN_ENCODINGS : DICTIONARY_ENCODINGS,
    pages: dictionary === undefined ? [dataPages] : [DICTIONARY_PAGE, dataPages],
    // V8 takes many times as long if other properties follow a spread.
    ...bounds,
  };
}

/** Returns the row of a value. */
function rowOf({ place, definition, repetition }: ShreddedLeaf, value: number): number {
  let row = -1;
  let seen = 0;
  for (let slot = 0; slot < definition.length; slot++) {
    if (repetition.length === 0 || repetition[slot] === 0) row++;
    if (definition[slot] === place.maxDefinition && seen++ === value) break;
  }
  return row;
}

/** The slots and values of a page. */
interface PageSpan {
  readonly slotStart: number;
  readonly slotEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
}

/** Divides a leaf into pages. A page begins with a row, as `data v2` requires. */
function* pagesOf(leaf: ShreddedLeaf, dictionary: Dictionary | undefined): Generator<PageSpan> {
  const { place, definition, repetition } = leaf;
  const values = leaf.values as ArrayLike<StoredValue>;
  const slots = definition.length;
  const indexBytes = dictionary && bitWidth(dictionary.entries.length - 1) / 8;
  const bytesEach = indexBytes ?? (isText(place.type) ? undefined : 8);
  if (bytesEach !== undefined && bytesEach * values.length <= PAGE_BYTES) {
    yield { slotStart: 0, slotEnd: slots, valueStart: 0, valueEnd: values.length };
    return;
  }
  let slotStart = 0;
  let valueStart = 0;
  let value = 0;
  let bytes = 0;
  for (let slot = 0; slot < slots; slot++) {
    if (bytes >= PAGE_BYTES && (repetition.length === 0 || repetition[slot] === 0)) {
      yield { slotStart, slotEnd: slot, valueStart, valueEnd: value };
      slotStart = slot;
      valueStart = value;
      bytes = 0;
    }
    if (definition[slot] !== place.maxDefinition) continue;
    bytes += bytesEach ?? plainBytes(values[value] as StoredValue);
    value++;
  }
  yield { slotStart, slotEnd: slots, valueStart, valueEnd: value };
}

const isText = (type: LeafType): boolean => type === "string" || type === "json" || type === "binary";

function checkPageSize({ path }: LeafPlace, bytes: number): void {
  if (bytes <= MOST_PAGE_BYTES) return;
  throw new StorageError({
    code: "invalid_argument",
    op: "write",
    message: `write: a row has ${bytes} bytes in column ${JSON.stringify(path[0])}; at most ${MOST_PAGE_BYTES} can be stored. Divide the value over several rows.`,
  });
}

/** Appends the page of a dictionary, and returns its size, uncompressed. */
function writeDictionary(sink: ByteSink, place: LeafPlace, { entries }: Dictionary): number {
  const { type } = place;
  const body = BODY.empty(KEPT_BYTES);
  writePlain(body, type, entries, 0, entries.length);
  checkPageSize(place, body.length);
  const compressed = COMPRESSED.empty(KEPT_BYTES);
  appendSnappy(compressed, body.view());
  const start = sink.length;
  const header = new ThriftWriter(sink);
  header.i32(1, PAGE.DICTIONARY);
  header.i32(2, body.length);
  header.i32(3, compressed.length);
  header.begin(7);
  header.i32(1, entries.length);
  header.i32(2, ENCODING.PLAIN);
  header.end();
  header.end();
  const headerBytes = sink.length - start;
  sink.append(compressed.view());
  return headerBytes + body.length;
}

/** Appends a page of values, and returns its size, uncompressed. */
function writeDataPage(
  sink: ByteSink,
  { place, values, definition, repetition }: ShreddedLeaf,
  { slotStart, slotEnd, valueStart, valueEnd }: PageSpan,
  dictionary: Dictionary | undefined,
): number {
  const levels = LEVELS.empty(KEPT_BYTES);
  let rows = slotEnd - slotStart;
  if (place.maxRepetition > 0) {
    rows = 0;
    for (let slot = slotStart; slot < slotEnd; slot++) if (repetition[slot] === 0) rows++;
    writeHybridRuns(levels, repetition, slotStart, slotEnd, bitWidth(place.maxRepetition));
  }
  const repetitionBytes = levels.length;
  writeHybridRuns(levels, definition, slotStart, slotEnd, bitWidth(place.maxDefinition));
  const body = BODY.empty(KEPT_BYTES);
  if (dictionary === undefined) writePlain(body, place.type, values, valueStart, valueEnd);
  else {
    const width = bitWidth(dictionary.entries.length - 1);
    body.byte(width);
    writeHybridRuns(body, dictionary.indices, valueStart, valueEnd, width);
  }
  checkPageSize(place, levels.length + body.length);
  const compressed = COMPRESSED.empty(KEPT_BYTES);
  appendSnappy(compressed, body.view());
  const start = sink.length;
  const header = new ThriftWriter(sink);
  header.i32(1, PAGE.DATA_V2);
  header.i32(2, levels.length + body.length);
  header.i32(3, levels.length + compressed.length);
  header.begin(8);
  header.i32(1, slotEnd - slotStart);
  header.i32(2, slotEnd - slotStart - (valueEnd - valueStart));
  header.i32(3, rows);
  header.i32(4, dictionary === undefined ? ENCODING.PLAIN : ENCODING.RLE_DICTIONARY);
  header.i32(5, levels.length - repetitionBytes);
  header.i32(6, repetitionBytes);
  header.end();
  header.end();
  const headerBytes = sink.length - start;
  sink.append(levels.view());
  sink.append(compressed.view());
  return headerBytes + levels.length + body.length;
}
