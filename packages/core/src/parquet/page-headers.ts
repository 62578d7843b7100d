import type { ColumnMetaData } from "hyparquet";

/** No page of an honest writer is larger, in bytes. */
const MAX_PAGE_BYTES = 2 ** 30;
/** How much a codec can grow a page: what claims more is no page of that codec. */
const MAX_GROWTH: Readonly<Record<string, number>> = {
  UNCOMPRESSED: 1,
  SNAPPY: 24,
  LZ4: 256,
  LZ4_RAW: 256,
  GZIP: 1040,
};
const MAX_DEPTH = 16;

/** Reads Thrift's compact protocol, as far as page headers need it, and never beyond its bytes. */
class ThriftReader {
  offset: number;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, offset: number) {
    this.bytes = bytes;
    this.offset = offset;
  }

  byte(): number {
    const value = this.bytes[this.offset++];
    if (value === undefined) throw new Error("a page header runs beyond its column");
    return value;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      if (factor > 2 ** 49) throw new Error("a page header holds a number of too many bytes");
    }
  }

  skip(bytes: number): void {
    this.offset += bytes;
    if (this.offset > this.bytes.byteLength) throw new Error("a page header runs beyond its column");
  }

  /** Calls `onField` for each field; what it does not take (false) is skipped. */
  struct(onField: (id: number, type: number) => boolean, depth = 0): void {
    if (depth > MAX_DEPTH) throw new Error(`a page header is nested deeper than ${MAX_DEPTH} levels`);
    let id = 0;
    for (;;) {
      const head = this.byte();
      const type = head & 15;
      if (type === 0) return;
      id = head >> 4 === 0 ? zigzag(this.varint()) : id + (head >> 4);
      if (!onField(id, type)) this.value(type, depth);
    }
  }

  integer(): number {
    return zigzag(this.varint());
  }

  value(type: number, depth: number): void {
    if (type === 1 || type === 2) return;
    if (type === 3) this.skip(1);
    else if (type <= 6) this.varint();
    else if (type === 7) this.skip(8);
    else if (type === 8) this.skip(this.varint());
    else if (type === 9 || type === 10) {
      const head = this.byte();
      const size = head >> 4 === 15 ? this.varint() : head >> 4;
      if (size > this.bytes.byteLength - this.offset)
        throw new Error("a page header holds a list that is too long");
      for (let i = 0; i < size; i++) this.value(head & 15 ? Math.max(3, head & 15) : 3, depth + 1);
    } else if (type === 12) this.struct(() => false, depth + 1);
    else throw new Error(`a page header holds an unknown type ${type}`);
  }
}

const zigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

/**
 * Walks the page headers of a column chunk, so that the decoder sees only pages that fit: sizes inside the chunk, growth
 * that the codec can have, and as many values as the footer says. It looks at no page's content.
 *
 * @throws Error saying what does not fit.
 */
export function checkPages(chunk: Uint8Array, { codec, num_values, path_in_schema }: ColumnMetaData): void {
  const expected = Number(num_values);
  const where = `column ${path_in_schema.join(".")}: `;
  let values = 0;
  for (let offset = 0; values < expected; ) {
    if (offset >= chunk.byteLength)
      throw new Error(`${where}its pages hold ${values} values, the footer says ${expected}`);
    const reader = new ThriftReader(chunk, offset);
    const page = readHeader(reader);
    offset = reader.offset + page.compressed;
    if (page.compressed < 0 || offset > chunk.byteLength)
      throw new Error(`${where}a page of ${page.compressed} bytes does not fit into it`);
    const growth = MAX_GROWTH[codec] ?? Number.POSITIVE_INFINITY;
    const most = Math.min(MAX_PAGE_BYTES, page.compressed * growth + 64);
    if (page.uncompressed < 0 || page.uncompressed > most)
      throw new Error(`${where}a page of ${page.compressed} bytes claims to hold ${page.uncompressed}`);
    if (page.values < 0) throw new Error(`${where}a page claims ${page.values} values`);
    if (page.isDictionary) {
      if (page.values > page.uncompressed)
        throw new Error(`${where}a dictionary of ${page.uncompressed} bytes claims ${page.values} values`);
    } else values += page.values;
  }
  if (values !== expected)
    throw new Error(`${where}its pages hold ${values} values, the footer says ${expected}`);
}

interface PageFacts {
  compressed: number;
  uncompressed: number;
  values: number;
  isDictionary: boolean;
}

/** parquet.thrift, PageHeader: 2 and 3 are sizes; 5, 7 and 8 the headers of the kinds, whose field 1 counts values. */
function readHeader(reader: ThriftReader): PageFacts {
  const page: PageFacts = { compressed: -1, uncompressed: -1, values: 0, isDictionary: false };
  reader.struct((id, type) => {
    if (type === 5 && id === 2) page.uncompressed = reader.integer();
    else if (type === 5 && id === 3) page.compressed = reader.integer();
    else if (type === 12 && (id === 5 || id === 7 || id === 8)) {
      page.isDictionary = id === 7;
      reader.struct((field, fieldType) => {
        if (field !== 1 || fieldType !== 5) return false;
        page.values = reader.integer();
        return true;
      }, 1);
    } else return false;
    return true;
  });
  return page;
}
