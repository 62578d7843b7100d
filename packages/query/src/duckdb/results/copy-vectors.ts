import {
  type DuckDBArrayType,
  DuckDBDataChunk,
  type DuckDBDecimalType,
  type DuckDBEnumType,
  type DuckDBListType,
  type DuckDBMapType,
  DuckDBStructType,
  type DuckDBType,
  DuckDBTypeId,
  DuckDBVector,
} from "@duckdb/node-api";
// The driver has no access to whole vectors, and reads them value by value.
import duckdb from "@duckdb/node-bindings";
import type { ResultOptions } from "../duckdb.ts";
import { isValid, type RawBatch, type RawColumn, type Validity } from "./raw-column.ts";
import { resultValue } from "./result-values.ts";

type Vector = duckdb.Vector;

/** The bytes of a batch, about: more are copied in several batches. */
const BATCH_BYTES = 4 * 1024 * 1024;
const STRING_BYTES = 16;
/** DuckDB keeps a string of at most this many bytes inside its 16-byte entry. */
const INLINE_BYTES = 12;

/** Copies the values of a chunk, in one batch or in several. */
export function* copyChunk(
  chunk: DuckDBDataChunk,
  types: readonly DuckDBType[],
  options: ResultOptions,
): Generator<RawBatch> {
  const { rowCount } = chunk;
  const vectors = types.map(
    (type, c) => new Source(duckdb.data_chunk_get_vector(chunk.chunk, c), type, rowCount, options),
  );
  const bytes = vectors.reduce((sum, vector) => sum + vector.bytes(), 0);
  const step = Math.max(1, Math.floor(rowCount / Math.ceil(bytes / BATCH_BYTES)));
  for (let from = 0; from < rowCount; from += step) {
    const to = Math.min(from + step, rowCount);
    yield { rowCount: to - from, columns: vectors.map((vector) => vector.copy(from, to)) };
  }
}

/** A batch without rows, which shows the types of the columns. */
export function emptyBatch(types: readonly DuckDBType[], options: ResultOptions): RawBatch {
  const { chunk } = DuckDBDataChunk.create(types, 0);
  const columns = types.map((type, c) =>
    new Source(duckdb.data_chunk_get_vector(chunk, c), type, 0, options).copy(0, 0),
  );
  return { rowCount: 0, columns };
}

/** A vector of DuckDB. It is valid as long as its chunk. */
class Source {
  readonly #vector: Vector;
  readonly #type: DuckDBType;
  readonly #count: number;
  readonly #options: ResultOptions;
  #validity: Uint8Array | null | undefined;
  #children: readonly Source[] | undefined;
  #driver: DuckDBVector | undefined;

  constructor(vector: Vector, type: DuckDBType, count: number, options: ResultOptions) {
    this.#vector = vector;
    this.#type = type;
    this.#count = count;
    this.#options = options;
  }

  /** The bytes that a copy takes, about. */
  bytes(): number {
    switch (this.#type.typeId) {
      case DuckDBTypeId.VARCHAR:
      case DuckDBTypeId.BLOB: {
        const words = new Uint32Array(copyBytes(this.#data(STRING_BYTES, 0, this.#count)).buffer);
        let sum = this.#count * STRING_BYTES;
        for (let row = 0; row < this.#count; row++) {
          if (isValid(this.#mask(), row)) sum += words[row * 4] ?? 0;
        }
        return sum;
      }
      default:
        return this.#nested().reduce((sum, child) => sum + child.bytes(), this.#count * 8);
    }
  }

  /** Copies the rows from `from` to `to`. */
  copy(from: number, to: number): RawColumn {
    const type = this.#type;
    const fixed = (width: number): { validity: Validity; bytes: Uint8Array } => ({
      validity: this.#validityOf(from, to),
      bytes: copyBytes(this.#data(width, from, to)),
    });
    const integer = (width: 1 | 2 | 4 | 8 | 16, isSigned: boolean): RawColumn => ({
      kind: "integer",
      width,
      isSigned,
      ...fixed(width),
    });
    const timestamp = (digits: -3 | 0 | 3 | 6, isInstant = false): RawColumn => ({
      kind: "timestamp",
      digits,
      isInstant,
      ...fixed(8),
    });
    switch (type.typeId) {
      case DuckDBTypeId.BOOLEAN:
        return { kind: "boolean", ...fixed(1) };
      case DuckDBTypeId.TINYINT:
        return integer(1, true);
      case DuckDBTypeId.SMALLINT:
        return integer(2, true);
      case DuckDBTypeId.INTEGER:
        return integer(4, true);
      case DuckDBTypeId.BIGINT:
        return integer(8, true);
      case DuckDBTypeId.HUGEINT:
        return integer(16, true);
      case DuckDBTypeId.UTINYINT:
        return integer(1, false);
      case DuckDBTypeId.USMALLINT:
        return integer(2, false);
      case DuckDBTypeId.UINTEGER:
        return integer(4, false);
      case DuckDBTypeId.UBIGINT:
        return integer(8, false);
      case DuckDBTypeId.UHUGEINT:
        return integer(16, false);
      case DuckDBTypeId.FLOAT:
        return { kind: "float", width: 4, ...fixed(4) };
      case DuckDBTypeId.DOUBLE:
        return { kind: "float", width: 8, ...fixed(8) };
      case DuckDBTypeId.DECIMAL: {
        const { width: precision, scale } = type as DuckDBDecimalType;
        const width = precision <= 4 ? 2 : precision <= 9 ? 4 : precision <= 18 ? 8 : 16;
        return { kind: "decimal", width, precision, scale, ...fixed(width) };
      }
      case DuckDBTypeId.DATE:
        return { kind: "date", ...fixed(4) };
      case DuckDBTypeId.TIME:
        return { kind: "time", ...fixed(8) };
      case DuckDBTypeId.TIMESTAMP_S:
        return timestamp(-3);
      case DuckDBTypeId.TIMESTAMP_MS:
        return timestamp(0);
      case DuckDBTypeId.TIMESTAMP:
        return timestamp(3);
      case DuckDBTypeId.TIMESTAMP_TZ:
        return timestamp(3, true);
      case DuckDBTypeId.TIMESTAMP_NS:
        return timestamp(6);
      case DuckDBTypeId.ENUM: {
        const { values: names, internalTypeId } = type as DuckDBEnumType;
        const width =
          internalTypeId === DuckDBTypeId.UTINYINT ? 1 : internalTypeId === DuckDBTypeId.USMALLINT ? 2 : 4;
        return { kind: "enum", width, names, ...fixed(width) };
      }
      case DuckDBTypeId.VARCHAR:
        return { kind: "text", ...this.#strings(from, to) };
      case DuckDBTypeId.BLOB:
        return { kind: "blob", ...this.#strings(from, to) };
      case DuckDBTypeId.LIST:
      case DuckDBTypeId.MAP:
        return this.#list(from, to);
      case DuckDBTypeId.ARRAY:
        return this.#array(from, to);
      case DuckDBTypeId.STRUCT:
        return {
          kind: "struct",
          validity: this.#validityOf(from, to),
          names: (type as DuckDBStructType).entryNames,
          fields: this.#nested().map((field) => field.copy(from, to)),
        };
      default: {
        const values: unknown[] = [];
        for (let row = from; row < to; row++) {
          this.#driver ??= DuckDBVector.create(this.#vector, this.#count, type);
          values.push(resultValue(this.#driver.getItem(row), this.#options));
        }
        return { kind: "values", values };
      }
    }
  }

  #strings(from: number, to: number): Omit<RawColumn & { kind: "text" }, "kind"> {
    const data = this.#data(STRING_BYTES, from, to);
    const bytes = copyBytes(data);
    const words = new Uint32Array(bytes.buffer);
    const validity = this.#validityOf(from, to);
    const count = to - from;
    const starts = new Float64Array(count);
    // DuckDB puts the strings of a vector one after the other: those that touch are copied at once.
    const runs: { readonly row: number; readonly start: number; length: number }[] = [];
    let run: (typeof runs)[number] | undefined;
    let end = -1;
    let total = 0;
    for (let row = 0; row < count; row++) {
      const length = words[row * 4] ?? 0;
      if (length <= INLINE_BYTES || !isValid(validity, row)) continue;
      const pointer = (words[row * 4 + 3] ?? 0) * 2 ** 32 + (words[row * 4 + 2] ?? 0);
      if (run === undefined || pointer !== end) {
        run = { row, start: total, length: 0 };
        runs.push(run);
      }
      starts[row] = total;
      run.length += length;
      total += length;
      end = pointer + length;
    }
    const long = new Uint8Array(total);
    for (const { row, start, length } of runs) {
      const place = data.byteOffset + row * STRING_BYTES + 8;
      // The binding only reads the pointer there.
      long.set(duckdb.get_data_from_pointer(data.buffer as ArrayBuffer, place, length), start);
    }
    return { validity, bytes, long, starts };
  }

  #list(from: number, to: number): RawColumn {
    const [child] = this.#nested();
    const entries = this.#data(16, from, to);
    const places = new BigUint64Array(copyBytes(entries).buffer);
    const validity = this.#validityOf(from, to);
    const count = to - from;
    const starts = new Float64Array(count);
    const lengths = new Float64Array(count);
    let first = Number.POSITIVE_INFINITY;
    let last = 0;
    for (let row = 0; row < count; row++) {
      if (!isValid(validity, row)) continue;
      const [start, length] = [Number(places[row * 2]), Number(places[row * 2 + 1])];
      if (length === 0) continue;
      starts[row] = start;
      lengths[row] = length;
      first = Math.min(first, start);
      last = Math.max(last, start + length);
    }
    if (last === 0) first = 0;
    for (let row = 0; row < count; row++) if (lengths[row] !== 0) starts[row] = (starts[row] ?? 0) - first;
    const items: RawColumn = child?.copy(first, last) ?? { kind: "values", values: [] };
    return { kind: "list", validity, starts, lengths, items };
  }

  #array(from: number, to: number): RawColumn {
    const { length } = this.#type as DuckDBArrayType;
    const items = this.#nested()[0]?.copy(from * length, to * length) ?? { kind: "values", values: [] };
    const starts = Float64Array.from({ length: to - from }, (_, row) => row * length);
    const lengths = new Float64Array(to - from).fill(length);
    return { kind: "list", validity: this.#validityOf(from, to), starts, lengths, items };
  }

  /** The vectors in this one. */
  #nested(): readonly Source[] {
    this.#children ??= this.#readNested();
    return this.#children;
  }

  #readNested(): readonly Source[] {
    const source = (vector: Vector, type: DuckDBType, count: number): Source =>
      new Source(vector, type, count, this.#options);
    const type = this.#type;
    switch (type.typeId) {
      case DuckDBTypeId.LIST:
        return [
          source(
            duckdb.list_vector_get_child(this.#vector),
            (type as DuckDBListType).valueType,
            duckdb.list_vector_get_size(this.#vector),
          ),
        ];
      case DuckDBTypeId.MAP: {
        const { keyType, valueType } = type as DuckDBMapType;
        const entry = new DuckDBStructType(["key", "value"], [keyType, valueType]);
        return [
          source(
            duckdb.list_vector_get_child(this.#vector),
            entry,
            duckdb.list_vector_get_size(this.#vector),
          ),
        ];
      }
      case DuckDBTypeId.ARRAY: {
        const { valueType, length } = type as DuckDBArrayType;
        return [source(duckdb.array_vector_get_child(this.#vector), valueType, this.#count * length)];
      }
      case DuckDBTypeId.STRUCT:
        return (type as DuckDBStructType).entryTypes.map((entry, i) =>
          source(duckdb.struct_vector_get_child(this.#vector, i), entry, this.#count),
        );
      default:
        return [];
    }
  }

  /** DuckDB's own memory. */
  #data(width: number, from: number, to: number): Uint8Array {
    if (from === to) return new Uint8Array(0);
    return duckdb.vector_get_data(this.#vector, this.#count * width).subarray(from * width, to * width);
  }

  #mask(): Validity {
    if (this.#count === 0) return undefined;
    if (this.#validity === undefined)
      this.#validity = duckdb.vector_get_validity(this.#vector, Math.ceil(this.#count / 64) * 8) ?? null;
    return this.#validity ?? undefined;
  }

  #validityOf(from: number, to: number): Validity {
    const mask = this.#mask();
    if (mask === undefined) return undefined;
    if (from % 8 === 0) return copyBytes(mask.subarray(from / 8, Math.ceil(to / 8)));
    const own = new Uint8Array(Math.ceil((to - from) / 8));
    for (let row = from; row < to; row++) {
      if (isValid(mask, row))
        own[(row - from) >> 3] = (own[(row - from) >> 3] ?? 0) | (1 << ((row - from) & 7));
    }
    return own;
  }
}

/** A copy in a separate buffer. */
function copyBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
