import { Buffer, createHash } from "#platform";
import { isYieldDue, yieldIfDue } from "../bytes/concurrency/yield-if-due.ts";
import type { ReplayableBody } from "../bytes/object-body.ts";
import type { Row } from "../bytes/row.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { type ColumnSchema, type ColumnType, typeName } from "./column-type.ts";
import {
  ByteSink,
  leavesOf,
  Misfit,
  shred,
  shredFlat,
  type Values,
  type WrittenGroup,
  writeChunk,
  writeFooter,
} from "./encode/index.ts";
import { MAX_NESTING } from "./infer-columns.ts";
import { type ColumnTable, columnsOf, rowCountOf } from "./table-rows.ts";

/** The most rows in a row group, which a reader skips or holds as a whole. */
export const ROW_GROUP_ROWS = 20_000;
/** A row group ends with the row that reaches this weight: bytes of text and binary values, and 8 for any other value. */
const ROW_GROUP_WEIGHT = 2 ** 25;
/** The weight of a value that is not text or binary. */
const WEIGHT = 8;

/** The most parts of one value that are weighed. */
const MOST_PARTS = 2 ** 20;

/** A larger file is not copied into one piece. */
const ONE_PIECE_BYTES = 2 ** 23;

/** The name of the writing program in footers. */
export const CREATED_BY = "parquetry";
const MAGIC = Buffer.from("PAR1");

/** Options of an encoder. */
export interface EncodeOptions {
  /** Called between columns; an error that it throws stops the encoder. */
  readonly checkpoint?: (() => void) | undefined;
}

/** An encoded file in memory. */
export interface EncodedParquet {
  /** Its bytes, in one piece or in several. */
  readonly body: Uint8Array | ReplayableBody;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** Its SHA-256 in hex. */
  readonly sha256: string;
}

/**
 * Encodes rows or columns as a Parquet file: SNAPPY, every column optional, statistics for every column and row group. The same
 * rows become the same bytes. Holds the encoded file and one row group, and lets the event loop turn.
 *
 * @throws StorageError `invalid_argument` if a value does not fit its column.
 * @example
 * ```ts
 * const { body, sizeBytes } = await encodeParquetFile(rows, await inferColumns(rows));
 * ```
 */
export async function encodeParquetFile(
  table: readonly Row[] | ColumnTable,
  columns: readonly ColumnSchema[],
  options: EncodeOptions = {},
): Promise<EncodedParquet> {
  const chunks: Uint8Array[] = [];
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of encodeTables([table], columns, options)) {
    chunks.push(chunk);
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  const body = sizeBytes <= ONE_PIECE_BYTES ? joined(chunks) : replayable(chunks, sizeBytes);
  return { body, sizeBytes, sha256: hash.digest("hex") };
}

/**
 * Encodes rows as {@link encodeParquetFile} does, and returns the bytes in one piece.
 *
 * @throws StorageError `invalid_argument` if a value does not fit its column.
 * @example
 * ```ts
 * const bytes = await encodeParquet(rows, await inferColumns(rows));
 * ```
 */
export async function encodeParquet(
  table: readonly Row[] | ColumnTable,
  columns: readonly ColumnSchema[],
  options: EncodeOptions = {},
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of encodeTables([table], columns, options)) chunks.push(chunk);
  return joined(chunks);
}

/**
 * Encodes rows that come in batches of any size, as {@link encodeParquetFile} does, and holds one row group at a time.
 *
 * @throws StorageError `invalid_argument` if a value does not fit its column; its row is counted over all batches.
 */
export async function* encodeParquetStream(
  batches: AsyncIterable<readonly Row[]>,
  columns: readonly ColumnSchema[],
  options: EncodeOptions = {},
): AsyncGenerator<Uint8Array> {
  yield* encodeTables(inGroups(batches, columns), columns, options);
}

/** Joins batches until they fill a row group. */
async function* inGroups(
  batches: AsyncIterable<readonly Row[]>,
  columns: readonly ColumnSchema[],
): AsyncGenerator<readonly Row[]> {
  const weighed = columns.filter(({ type }) => isWeighed(type)).map(({ name }) => name);
  const fixed = WEIGHT * (columns.length - weighed.length);
  let rows: Row[] = [];
  let weight = 0;
  for await (const batch of batches) {
    for (const row of batch) {
      rows.push(row);
      weight += fixed;
      for (const name of weighed) weight += weightOf(row[name], { parts: MOST_PARTS });
      if (rows.length < ROW_GROUP_ROWS && weight < ROW_GROUP_WEIGHT) continue;
      yield rows;
      rows = [];
      weight = 0;
    }
  }
  if (rows.length > 0) yield rows;
}

/** Yields the bytes of a file: one chunk for each row group, and the footer. */
async function* encodeTables(
  tables: Iterable<readonly Row[] | ColumnTable> | AsyncIterable<readonly Row[] | ColumnTable>,
  columns: readonly ColumnSchema[],
  { checkpoint }: EncodeOptions,
): AsyncGenerator<Uint8Array> {
  const sink = new ByteSink();
  sink.append(MAGIC);
  const groups: WrittenGroup[] = [];
  let offset = 0;
  let rowsBefore = 0;
  for await (const table of tables) {
    const rowCount = rowCountOf(table);
    let start = 0;
    let window = ROW_GROUP_ROWS;
    while (start < rowCount) {
      const group = await encodeRowGroup(
        sink,
        offset,
        table,
        columns,
        start,
        Math.min(rowCount, start + window),
        rowsBefore,
        checkpoint,
      );
      groups.push(group);
      offset += sink.length;
      yield sink.take();
      start += group.rows;
      // Rows are looked at again if they do not fit into their group, so the next window is not much larger than that.
      window = Math.min(ROW_GROUP_ROWS, group.rows * 2);
    }
    rowsBefore += rowCount;
  }
  const footerStart = sink.length;
  writeFooter(sink, columns, groups, CREATED_BY);
  sink.uint32(sink.length - footerStart);
  sink.append(MAGIC);
  yield sink.take();
}

async function encodeRowGroup(
  sink: ByteSink,
  offset: number,
  table: readonly Row[] | ColumnTable,
  columns: readonly ColumnSchema[],
  start: number,
  end: number,
  rowsBefore: number,
  checkpoint: EncodeOptions["checkpoint"],
): Promise<WrittenGroup> {
  const names = columns.map(({ name }) => name);
  const values = await columnsOf(table, names, start, end);
  const rows = await rowsThatFit(columns, values, end - start);
  const chunks: WrittenGroup["chunks"][number][] = [];
  for (const [c, { name, type }] of columns.entries()) {
    const column = values[c] ?? [];
    const own: Values = rows === column.length ? column : Array.prototype.slice.call(column, 0, rows);
    const places = leavesOf(type, [name]);
    const leaves =
      typeof type === "string"
        ? places.map((place) => shredFlat(place, own))
        : await shred(type, places, own);
    if (typeof leaves === "number") throw misfit(own[leaves], rowsBefore + start + leaves, name, type);
    for (const leaf of leaves) {
      checkpoint?.();
      const chunk = await writeChunk(sink, offset, leaf);
      if (chunk instanceof Misfit) throw misfit(own[chunk.row], rowsBefore + start + chunk.row, name, type);
      chunks.push(chunk);
    }
  }
  return { rows, chunks };
}

/** Returns how many rows a row group takes: all, or those that reach {@link ROW_GROUP_WEIGHT}, at least one. */
async function rowsThatFit(
  columns: readonly ColumnSchema[],
  values: readonly Values[],
  rowCount: number,
): Promise<number> {
  const fixed = columns.filter(({ type }) => !isWeighed(type)).length;
  const weights = new Float64Array(rowCount).fill(WEIGHT * fixed);
  for (const [c, { type }] of columns.entries()) {
    if (!isWeighed(type)) continue;
    const column = values[c] ?? [];
    for (let i = 0; i < rowCount; i++) {
      const value = column[i];
      const weight = typeof value === "string" ? value.length : weightOf(value, { parts: MOST_PARTS });
      weights[i] = (weights[i] ?? 0) + weight;
      if (i % 1024 === 0 && isYieldDue()) await yieldIfDue();
    }
  }
  let weight = 0;
  for (let i = 0; i < rowCount; i++) {
    weight += weights[i] ?? 0;
    if (weight >= ROW_GROUP_WEIGHT) return i + 1;
  }
  return rowCount;
}

const isWeighed = (type: ColumnType): boolean =>
  typeof type === "object" || type === "string" || type === "binary" || type === "json";

/** Returns the weight of a value. Parts beyond the limit, which also ends cycles, are not counted. */
function weightOf(value: unknown, left: { parts: number }, depth = 0): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return WEIGHT;
  if (value instanceof Uint8Array) return value.byteLength;
  let weight = WEIGHT;
  if (depth > MAX_NESTING) return weight;
  for (const part of Array.isArray(value) ? value : Object.values(value)) {
    if (left.parts-- <= 0) break;
    weight += weightOf(part, left, depth + 1);
  }
  return weight;
}

function misfit(value: unknown, row: number, name: string, type: ColumnType): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "write",
    message: `write: row ${row}, column ${JSON.stringify(name)} is ${describe(value)}, which is not a valid ${typeName(type)}.`,
  });
}

function describe(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  // JSON has no NaN.
  if (typeof value === "number") return `${value} (number)`;
  if (typeof value === "object")
    return Array.isArray(value) ? "an array" : (value?.constructor?.name ?? "an object");
  return `${JSON.stringify(value) ?? String(value)} (${typeof value})`;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

function replayable(chunks: readonly Uint8Array[], sizeBytes: number): ReplayableBody {
  return {
    sizeBytes,
    async *open({ start, end = sizeBytes } = { start: 0 }) {
      let at = 0;
      for (const chunk of chunks) {
        const part = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
        at += chunk.byteLength;
        if (part.byteLength > 0) yield part;
      }
    },
  };
}
