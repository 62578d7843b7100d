import { Buffer } from "#platform";
import { footerBytes, MAGIC } from "./chunk-layout.ts";
import { ByteSink } from "./encode/byte-sink.ts";
import { ThriftWriter } from "./encode/thrift-writer.ts";
import { listHeaderBytes, THRIFT, ThriftReader } from "./guard/thrift-reader.ts";
import { TRAILER_BYTES } from "./parse-footer.ts";

/** The fields of Parquet's structs that are needed here, by their names in parquet.thrift. */
const FOOTER = { numRows: 3, rowGroups: 4, last: 7 } as const;
const GROUP = { columns: 1, fileOffset: 5, last: 7 } as const;
const CHUNK = { fileOffset: 2, metadata: 3, offsetIndex: 4, last: 7 } as const;
const COLUMN = {
  numValues: 5,
  compressedSize: 7,
  dataPage: 9,
  indexPage: 10,
  dictionaryPage: 11,
  bloomFilter: 14,
  last: 17,
} as const;

/** Between two files. No header of a page begins like this, so a damaged chunk cannot run into the pages of the next file. */
const GAP = new Uint8Array(16);

/** A file has something that a joined file cannot have. */
class Unusual extends Error {}

/**
 * Joins small Parquet files with the same columns into one, without decoding them: their pages are copied, and the row groups of
 * their footers follow each other, with offsets that are moved. The rows are those of the files, in their order.
 *
 * @example
 * ```ts
 * const joiner = new ParquetJoiner();
 * const pieces = files.map((file) => joiner.add(file) ?? []);
 * const joined = Buffer.concat([...pieces.flat(), joiner.footer()]);
 * ```
 */
export class ParquetJoiner {
  /** The parts of the footers that are not copied for each file: before the number of rows, before the row groups, and after these. */
  #shell: readonly Uint8Array[] | undefined;
  readonly #groups = new ByteSink();
  #rowGroups = 0;
  #rows = 0;
  #size = 0;

  /** The bytes that {@link ParquetJoiner.add} has returned so far. */
  get size(): number {
    return this.#size;
  }

  /** The number of row groups so far. */
  get rowGroups(): number {
    return this.#rowGroups;
  }

  /**
   * Adds a file.
   *
   * @returns the bytes that follow in the joined file. Undefined where it cannot contain this one, whose footer is damaged or unusual, or
   * says anything else about its columns than that of the first file.
   */
  add(file: Uint8Array): readonly Uint8Array[] | undefined {
    const pagesEnd = file.byteLength - (footerBytes(file) ?? file.byteLength);
    if (pagesEnd < MAGIC.length || !startsLikeParquet(file)) return undefined;
    const [rowGroups, rows, length] = [this.#rowGroups, this.#rows, this.#groups.length];
    const pages = file.subarray(this.#size === 0 ? 0 : MAGIC.length, pagesEnd);
    try {
      const shift = this.#size === 0 ? 0 : this.#size - MAGIC.length;
      const shell = this.#copyFooter(file.subarray(pagesEnd, -TRAILER_BYTES), { shift, pagesEnd });
      this.#shell ??= shell;
    } catch {
      // ThriftReader throws where a footer is damaged.
      [this.#rowGroups, this.#rows, this.#groups.length] = [rowGroups, rows, length];
      return undefined;
    }
    this.#size += pages.byteLength + GAP.byteLength;
    return [pages, GAP];
  }

  /** The footer and the trailer that end the joined file, which has at least one file. */
  footer(): Uint8Array {
    const [beforeRows, beforeGroups, afterGroups] = this.#shell ?? [];
    if (beforeRows === undefined || beforeGroups === undefined || afterGroups === undefined) {
      throw new Error("no file was added");
    }
    const sink = new ByteSink();
    sink.append(beforeRows);
    new ThriftWriter(sink).item(this.#rows);
    sink.append(beforeGroups);
    sink.append(listHeaderBytes(this.#rowGroups, THRIFT.STRUCT));
    sink.append(this.#groups.view());
    sink.append(afterGroups);
    sink.uint32(sink.length);
    sink.append(Buffer.from(MAGIC, "latin1"));
    return sink.take();
  }

  /** Copies the row groups of a footer, and returns the rest of it. */
  #copyFooter(footer: Uint8Array, move: Move): readonly Uint8Array[] {
    const reader = new ThriftReader(footer, 0);
    const shell: Uint8Array[] = [];
    let from = 0;
    reader.struct((id, type) => {
      checkField(id, FOOTER);
      if (id !== FOOTER.numRows && id !== FOOTER.rowGroups) return false;
      // Each of them once, in this order.
      if (shell.length !== id - FOOTER.numRows) throw new Unusual();
      shell.push(footer.slice(from, reader.offset));
      if (id === FOOTER.numRows) this.#rows += int64(reader, type);
      else this.#copyGroups(reader, move);
      from = reader.offset;
      return true;
    });
    shell.push(footer.slice(from, reader.offset));
    if (shell.length !== 3 || reader.offset !== footer.byteLength) throw new Unusual();
    for (const [i, bytes] of (this.#shell ?? []).entries()) {
      if (Buffer.compare(bytes, shell[i] ?? GAP) !== 0) throw new Unusual();
    }
    return shell;
  }

  #copyGroups(reader: ThriftReader, move: Move): void {
    const { size, type } = reader.listHeader();
    if (size > 0 && type !== THRIFT.STRUCT) throw new Unusual();
    const copy = new MovingCopy(reader, this.#groups, move);
    for (let i = 0; i < size; i++) rowGroup(copy);
    copy.flush();
    this.#rowGroups += size;
  }
}

/** How the pages of a file move, and where they end in it. */
interface Move {
  readonly shift: number;
  readonly pagesEnd: number;
}

/** Copies what a reader reads, except for offsets, which it moves. */
class MovingCopy {
  readonly reader: ThriftReader;
  readonly pagesEnd: number;
  readonly #shift: number;
  readonly #sink: ByteSink;
  readonly #writer: ThriftWriter;
  /** Where the bytes begin that are not copied yet. */
  #from: number;

  constructor(reader: ThriftReader, sink: ByteSink, { shift, pagesEnd }: Move) {
    this.reader = reader;
    this.pagesEnd = pagesEnd;
    this.#shift = shift;
    this.#sink = sink;
    this.#writer = new ThriftWriter(sink);
    this.#from = reader.offset;
  }

  /** Moves the offset that follows, and returns what it was. Some writers store 0 where there is none. */
  offset(type: number): number {
    const start = this.reader.offset;
    const offset = int64(this.reader, type);
    if (offset > this.pagesEnd) throw new Unusual();
    if (offset < MAGIC.length) return offset;
    this.#sink.append(this.reader.bytes.subarray(this.#from, start));
    this.#writer.item(offset + this.#shift);
    this.#from = this.reader.offset;
    return offset;
  }

  /** Leaves out what was read since `start`. */
  leaveOut(start: number): void {
    this.#sink.append(this.reader.bytes.subarray(this.#from, start));
    this.#from = this.reader.offset;
  }

  /** Copies what was read since the last offset. */
  flush(): void {
    this.leaveOut(this.reader.offset);
  }
}

function rowGroup(copy: MovingCopy): void {
  copy.reader.struct((id, type) => {
    checkField(id, GROUP);
    if (id === GROUP.fileOffset) copy.offset(type);
    else if (id === GROUP.columns) {
      const { size } = copy.reader.listHeader();
      for (let i = 0; i < size; i++) columnChunk(copy);
    } else return false;
    return true;
  });
}

function columnChunk(copy: MovingCopy): void {
  let hasMetadata = false;
  let last = 0;
  let end = copy.reader.offset;
  copy.reader.struct((id, type) => {
    checkField(id, CHUNK);
    // A field says by how much its number is larger than that of the field before, which may have been left out.
    if (id <= last) throw new Unusual();
    if (id === CHUNK.metadata) {
      columnMetadata(copy);
      hasMetadata = true;
    } else if (id === CHUNK.fileOffset) copy.offset(type);
    else if (id >= CHUNK.offsetIndex) {
      // Indexes of pages contain offsets, and are copied as they are. Nothing reads them without these fields.
      copy.reader.skip(type);
      copy.leaveOut(end);
    } else throw new Unusual();
    last = id;
    end = copy.reader.offset;
    return true;
  });
  if (!hasMetadata) throw new Unusual();
}

/** Copies the description of a column's pages, and checks that they are in the file: in a joined one, other pages follow. */
function columnMetadata(copy: MovingCopy): void {
  let values: number | undefined;
  let size = Number.POSITIVE_INFINITY;
  let start = Number.POSITIVE_INFINITY;
  copy.reader.struct((id, type) => {
    checkField(id, COLUMN);
    if (id === COLUMN.numValues) values = int64(copy.reader, type);
    else if (id === COLUMN.compressedSize) size = int64(copy.reader, type);
    else if (id === COLUMN.dataPage || id === COLUMN.dictionaryPage) {
      const offset = copy.offset(type);
      if (id === COLUMN.dataPage || offset >= MAGIC.length) start = Math.min(start, offset);
    } else if (id === COLUMN.indexPage || id === COLUMN.bloomFilter) copy.offset(type);
    else return false;
    return true;
  });
  const isInFile = start >= MAGIC.length && start + size <= copy.pagesEnd;
  if (!isInFile && values !== 0) throw new Unusual();
}

/** Fields that a later version of the format adds may contain offsets, and those of encrypted files have numbers beyond these. */
function checkField(id: number, { last }: { readonly last: number }): void {
  if (id > last) throw new Unusual();
}

/** Reads a number of 64 bits that is not negative. */
function int64(reader: ThriftReader, type: number): number {
  const value = reader.varint();
  // A larger one has lost digits; odd ones are negative.
  if (type !== THRIFT.I64 || value > Number.MAX_SAFE_INTEGER || value % 2 === 1) throw new Unusual();
  return value / 2;
}

function startsLikeParquet(file: Uint8Array): boolean {
  return Buffer.from(file.buffer, file.byteOffset, MAGIC.length).toString("latin1") === MAGIC;
}
