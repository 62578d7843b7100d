import { type ColumnMetaData, type FileMetaData, parquetRead, type RowGroup } from "hyparquet";
import { throwIfAborted } from "../bytes/abort.ts";
import { isYieldDue, yieldIfDue } from "../bytes/concurrency/yield-if-due.ts";
import type { ByteSource } from "./byte-source.ts";
import { fetchColumnChunks } from "./column-chunks.ts";
import { FlatColumn, type FlatKind } from "./flat-column.ts";
import {
  type CheckedSchema,
  type FileBudget,
  loadCodecs,
  piecesOf,
  type UnpackedPage,
  unpackChunk,
} from "./guard/index.ts";
import { PARSERS, type ReadValue, toJs } from "./value-reader.ts";

/** Columns are decoded together up to this many bytes: a limit of the calls to the decoder, and of the memory. */
const DECODE_BYTES = 8 * 1024 * 1024;
/** And up to this many values: the decoder does not let other work run before it has decoded all of them. */
const DECODE_VALUES = 16 * 1024;

/** How the values of a top-level column are read. */
export interface ColumnReader {
  readonly name: string;
  /** Converts a value of hyparquet. */
  readonly read: ReadValue;
  /** How the column is decoded without hyparquet, if it can be. */
  readonly flat: FlatKind | undefined;
}

/** The parts of one file that {@link readRowGroup} needs. */
export interface GroupDecoder {
  readonly source: ByteSource;
  readonly metadata: FileMetaData;
  readonly leafOf: CheckedSchema["leafOf"];
  /** The wanted top-level columns by their names in `metadata`. */
  readonly readers: ReadonlyMap<string, ColumnReader>;
  readonly budget: FileBudget;
}

/**
 * Reads the wanted columns of one row group, each as plain values in row order.
 *
 * @throws Error of the checks or of the decoder.
 */
export async function readRowGroup(
  { source, metadata, leafOf, readers, budget }: GroupDecoder,
  group: RowGroup,
): Promise<ReadonlyMap<string, readonly unknown[]>> {
  const rowCount = Number(group.num_rows);
  const values = new Map<string, unknown[]>();
  const topOf = (chunk: ColumnMetaData): string => leafOf(chunk).decoderPath[0] ?? "";
  const chunks = group.columns.flatMap(({ meta_data }) =>
    meta_data !== undefined && readers.has(topOf(meta_data)) ? [meta_data] : [],
  );
  for (const { name } of readers.values()) values.set(name, new Array<unknown>(rowCount).fill(null));
  if (chunks.length === 0 || rowCount === 0) return values;
  await loadCodecs(new Set(chunks.map(({ codec }) => codec)));
  const bytesOf = await fetchColumnChunks(source, chunks);
  const decoded = new Map<string, number>();
  let file = new UnpackedFile();

  const breathe = async (): Promise<void> => {
    await yieldIfDue();
    throwIfAborted(source.signal, "readParquet", source.name);
  };
  const flush = async (): Promise<void> => {
    const { chunks: taken } = file;
    if (taken.length === 0) return;
    const flat = new Set(taken.filter((of) => of.path_in_schema.length === 1).map(firstOf));
    const before = new Map(decoded);
    for (const [top, offset, data] of await decode(file, metadata, group)) {
      const reader = readers.get(top);
      const target = reader && values.get(reader.name);
      if (reader === undefined || target === undefined) continue;
      fill(target, data, (before.get(top) ?? 0) + offset, reader.read, flat.has(top));
      decoded.set(top, (decoded.get(top) ?? 0) + data.length);
    }
    file = new UnpackedFile();
  };

  const tops = chunks.map(topOf);
  for (const [i, chunk] of chunks.entries()) {
    const leaf = leafOf(chunk);
    const top = tops[i] ?? "";
    // All leaves of a column are decoded together, so only a column with one leaf can be decoded in parts.
    const isAlone = tops[i - 1] !== top && tops[i + 1] !== top;
    const reader = readers.get(top);
    const target = reader && values.get(reader.name);
    let flat = reader?.flat && isAlone ? new FlatColumn(reader.flat, leaf) : undefined;
    let dictionary: UnpackedPage | undefined;
    let pages: UnpackedPage[] = [];
    let held = 0;
    const of = (): ColumnMetaData => ({ ...chunk, path_in_schema: [...leaf.decoderPath] });
    for (const page of unpackChunk(bytesOf(chunk), chunk, leaf, budget)) {
      if (flat !== undefined) {
        const from = decoded.get(top) ?? 0;
        if (page.kind === "dictionary") {
          if (flat.takeDictionary(page)) dictionary = page;
          else flat = undefined;
        } else if (target !== undefined && flat.decode(page, target, from))
          decoded.set(top, from + page.values);
        else {
          // hyparquet decodes this page and those after it.
          flat = undefined;
          if (dictionary !== undefined) pages.push(dictionary);
        }
        if (flat !== undefined) {
          if (isYieldDue()) await breathe();
          continue;
        }
      }
      if (page.kind === "dictionary") dictionary = page;
      // The dictionary is decoded again with each part.
      else if (isAlone && page.beginsRow && held >= Math.max(DECODE_VALUES, dictionary?.values ?? 0)) {
        await flush();
        file.add(of(), pages);
        await flush();
        pages = dictionary === undefined ? [] : [dictionary];
        held = 0;
      }
      pages.push(page);
      if (page.kind === "data") held += page.values;
      if (isYieldDue()) await breathe();
    }
    if (flat === undefined) file.add(of(), pages);
    const isLast = i === chunks.length - 1;
    if (!isLast && tops[i + 1] === top) continue;
    if (isLast || file.byteLength >= DECODE_BYTES || file.values >= DECODE_VALUES) {
      await flush();
      if (isYieldDue()) await breathe();
    }
  }
  for (const top of tops) {
    const found = decoded.get(top) ?? 0;
    if (found < rowCount)
      throw new Error(`column ${readers.get(top)?.name} has ${found} of ${rowCount} rows`);
  }
  return values;
}

const firstOf = ({ path_in_schema }: ColumnMetaData): string => path_in_schema[0] ?? "";

/** Checked and decompressed column chunks, with the offsets of an uncompressed file. */
class UnpackedFile {
  readonly chunks: ColumnMetaData[] = [];
  byteLength = 0;
  /** The number of values in its data pages. */
  values = 0;
  readonly #pieces: Uint8Array[] = [];

  add(chunk: ColumnMetaData, pages: readonly UnpackedPage[]): void {
    const start = this.byteLength;
    for (const page of pages) {
      if (page.kind === "data") this.values += page.values;
      for (const piece of piecesOf(page)) {
        this.#pieces.push(piece);
        this.byteLength += piece.byteLength;
      }
    }
    const { dictionary_page_offset: _, ...rest } = chunk;
    this.chunks.push({
      ...rest,
      codec: "UNCOMPRESSED",
      data_page_offset: BigInt(start),
      total_compressed_size: BigInt(this.byteLength - start),
    });
  }

  bytes(): ArrayBuffer {
    const bytes = new Uint8Array(this.byteLength);
    let offset = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, offset);
      offset += piece.byteLength;
    }
    return bytes.buffer;
  }
}

/** Consecutive values of a column, from a row of the group on. */
type Decoded = readonly [column: string, firstRow: number, values: ArrayLike<unknown>];

async function decode(
  file: UnpackedFile,
  metadata: FileMetaData,
  group: RowGroup,
): Promise<readonly Decoded[]> {
  const bytes = file.bytes();
  const decoded: Decoded[] = [];
  await parquetRead({
    file: {
      byteLength: bytes.byteLength,
      // The decoder mostly wants all bytes, which need no copy.
      slice: (start, end) =>
        end === undefined || end - start === bytes.byteLength ? bytes : bytes.slice(start, end),
    },
    metadata: {
      ...metadata,
      num_rows: group.num_rows,
      row_groups: [{ ...group, columns: file.chunks.map((meta_data) => ({ meta_data, file_offset: 0n })) }],
    },
    columns: [...new Set(file.chunks.map(firstOf))],
    // A BYTE_ARRAY without a string type stays bytes.
    utf8: false,
    parsers: PARSERS,
    // An error thrown in this callback would end the process.
    onChunk: ({ columnName, columnData, rowStart }) => decoded.push([columnName, rowStart, columnData]),
  });
  return decoded;
}

/** Copies a chunk of values into the column, in as few steps per value as its kind allows. */
function fill(
  target: unknown[],
  chunk: ArrayLike<unknown>,
  offset: number,
  read: ReadValue,
  isFlat: boolean,
): void {
  const start = Math.max(0, -offset);
  const end = Math.min(chunk.length, target.length - offset);
  if (read === toJs && isPlainNumbers(chunk)) {
    for (let i = start; i < end; i++) target[offset + i] = chunk[i];
    return;
  }
  for (let i = start; i < end; i++) {
    const value = chunk[i];
    if (value === null) continue;
    if (value === undefined) {
      // In a flat column, a slot that is neither a value nor null means an index outside of the dictionary.
      if (isFlat) throw new Error("a page refers to a value that its dictionary lacks");
      continue;
    }
    target[offset + i] =
      typeof value === "string" || (typeof value === "number" && read === toJs) ? value : read(value);
  }
}

function isPlainNumbers(chunk: ArrayLike<unknown>): boolean {
  return chunk instanceof Float64Array || chunk instanceof Float32Array || chunk instanceof Int32Array;
}
