import {
  type FileMetaData,
  parquetMetadata,
  parquetRead,
  parquetSchema,
  type RowGroup,
  type SchemaTree,
} from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Row } from "../row.ts";
import { isStorageError, StorageError } from "../storage-error.ts";
import { type ByteSource, FOOTER_BYTES } from "./byte-source.ts";
import { chunkRange, fetchColumnChunks } from "./column-chunks.ts";
import { footerType } from "./footer-type.ts";
import { type ReadValue, rawElement, TIMESTAMP_PARSERS, toJs, valueReader } from "./value-reader.ts";

/** Rows in a batch of a scan. */
export const BATCH_ROWS = 8_192;

const MAGIC = "PAR1";
/** The magic at either end and the footer's length: no Parquet file is shorter. */
const MIN_FILE_BYTES = 12;
/** More rows than JavaScript can hold at once are no row group that can be read. */
const MAX_GROUP_ROWS = 2n ** 26n;

/** An opened Parquet file: its footer is read and checked, its rows are not read yet. */
export interface ParquetFile {
  /** Names it in errors. */
  readonly name: string;
  /** How many rows it has. */
  readonly rowCount: number;
  /** How many values it claims to hold, of all columns together. */
  readonly valueCount: number;
  /** Who says to have written it. */
  readonly createdBy: string | undefined;
  /** Its top-level columns, in order. */
  readonly columns: readonly string[];
  /** Its top-level columns with their types as {@link footerType} words them. */
  readonly fields: readonly { readonly name: string; readonly type: string }[];
  /**
   * Reads rows in batches of at most {@link BATCH_ROWS}, holding one row group at a time. With `columns` only the bytes
   * of these columns are read; one that the file lacks is null in every row.
   */
  scan(columns?: readonly string[]): AsyncGenerator<Row[]>;
}

/**
 * Opens a Parquet file and checks its footer before anything else trusts it.
 *
 * @throws StorageError `corrupt` where it is no Parquet file, or a broken one.
 * @example
 * ```ts
 * const file = await openParquet(await openByteSource(backend, key));
 * for await (const rows of file.scan(["team", "yards"])) console.log(rows.length);
 * ```
 */
export async function openParquet(source: ByteSource): Promise<ParquetFile> {
  const metadata = await readFooter(source);
  const tree = guarded(source, () => checkedSchema(metadata, source.byteLength));
  const names = tree.children.map(({ element }) => element.name);
  const raw: FileMetaData = { ...metadata, schema: metadata.schema.map(rawElement) };

  return {
    name: source.name,
    rowCount: Number(metadata.num_rows),
    valueCount: metadata.row_groups.reduce(
      (sum, { columns }) =>
        columns.reduce((inGroup, { meta_data }) => inGroup + Number(meta_data?.num_values ?? 0), sum),
      0,
    ),
    createdBy: metadata.created_by,
    columns: names,
    fields: tree.children.map((node) => ({ name: node.element.name, type: footerType(node) })),
    async *scan(columns = names) {
      const wanted = columns.filter((name) => names.includes(name));
      const readers = new Map(
        tree.children
          .filter(({ element }) => wanted.includes(element.name))
          .map((node) => [node.element.name, valueReader(node, source.name)]),
      );
      const template: Row = Object.fromEntries(columns.map((name) => [name, null]));
      let groupStart = 0;
      for (const group of metadata.row_groups) {
        const groupEnd = groupStart + Number(group.num_rows);
        const values = await readColumns(source, raw, group, readers, groupStart, groupEnd);
        for (let start = 0; start < groupEnd - groupStart; start += BATCH_ROWS) {
          const end = Math.min(start + BATCH_ROWS, groupEnd - groupStart);
          yield toRows(template, values, start, end);
        }
        groupStart = groupEnd;
      }
    },
  };
}

async function readFooter(source: ByteSource): Promise<FileMetaData> {
  if (source.byteLength < MIN_FILE_BYTES)
    throw corrupt(source, `it has ${source.byteLength} bytes, a Parquet file at least ${MIN_FILE_BYTES}`);
  let tail = await source.slice(Math.max(0, source.byteLength - FOOTER_BYTES));
  const view = new DataView(tail, tail.byteLength - 8);
  if (ascii(tail.slice(-4)) !== MAGIC) throw corrupt(source, `it does not end with ${MAGIC}`);
  const footerBytes = view.getUint32(0, true) + 8;
  if (footerBytes > source.byteLength - 4)
    throw corrupt(source, `its footer claims ${footerBytes} bytes of ${source.byteLength}`);
  if (footerBytes > tail.byteLength) tail = await source.slice(source.byteLength - footerBytes);
  return guarded(source, () => parquetMetadata(tail));
}

/** Every path that the row groups name must be in the schema: hyparquet ends the process on one that is not. */
function checkedSchema(metadata: FileMetaData, fileBytes: number): SchemaTree {
  const tree = parquetSchema(metadata);
  const leaves = new Map<string, { readonly node: SchemaTree; readonly repeated: boolean }>();
  const collect = (node: SchemaTree, depth: number, repeatedAbove: boolean): void => {
    if (depth > 100) throw new Error("the schema is nested deeper than 100 levels");
    const { name, type, type_length = 0, repetition_type } = node.element;
    const repeated = repeatedAbove || repetition_type === "REPEATED";
    if (node.children.length === 0) {
      if (type === "FIXED_LEN_BYTE_ARRAY" && (type_length < 1 || type_length > fileBytes))
        throw new Error(`the column ${name} claims values of ${type_length} bytes`);
      leaves.set(JSON.stringify(node.path), { node, repeated });
    }
    const names = new Set(node.children.map(({ element }) => element.name));
    if (names.size !== node.children.length || names.has("__proto__"))
      throw new Error(`the columns ${[...names].join(", ")} hold a name twice, or __proto__`);
    for (const child of node.children) collect(child, depth + 1, repeated);
  };
  collect(tree, 0, false);
  let rows = 0n;
  for (const group of metadata.row_groups) {
    rows += group.num_rows;
    if (group.num_rows < 0n || group.num_rows > MAX_GROUP_ROWS)
      throw new Error(`a row group claims ${group.num_rows} rows`);
    for (const { meta_data } of group.columns) {
      if (meta_data === undefined) throw new Error("a column chunk has no metadata");
      const leaf = leaves.get(JSON.stringify(meta_data.path_in_schema));
      if (leaf === undefined) {
        throw new Error(
          `a row group names the column ${meta_data.path_in_schema.join(".")}, which the schema lacks`,
        );
      }
      const { start, end } = chunkRange(meta_data);
      if (!(start >= MAGIC.length && end >= start && end <= fileBytes - MIN_FILE_BYTES + MAGIC.length))
        throw new Error(`a column chunk claims the bytes ${start} to ${end} of ${fileBytes}`);
      const wrong = leaf.repeated ? meta_data.num_values < 0n : meta_data.num_values !== group.num_rows;
      if (wrong || meta_data.num_values > MAX_GROUP_ROWS * 64n)
        throw new Error(
          `${meta_data.path_in_schema.join(".")} claims ${meta_data.num_values} values for ${group.num_rows} rows`,
        );
    }
  }
  if (rows !== metadata.num_rows)
    throw new Error(`its row groups have ${rows} rows, the footer says ${metadata.num_rows}`);
  return tree;
}

/** Reads columns of one row group, each as plain values in row order. */
async function readColumns(
  source: ByteSource,
  metadata: FileMetaData,
  group: RowGroup,
  readers: ReadonlyMap<string, ReadValue>,
  rowStart: number,
  rowEnd: number,
): Promise<Map<string, unknown[]>> {
  const columns = [...readers.keys()];
  const values = new Map<string, unknown[]>();
  try {
    const slice = await fetchColumnChunks(source, group, new Set(columns));
    for (const name of columns) values.set(name, new Array<unknown>(rowEnd - rowStart).fill(null));
    if (columns.length === 0 || rowEnd === rowStart) return values;
    await parquetRead({
      file: {
        byteLength: source.byteLength,
        slice: (start, end = source.byteLength) => slice(start, end),
      },
      metadata,
      columns,
      rowStart,
      rowEnd,
      compressors,
      // Text is what says that it is text; any other BYTE_ARRAY is bytes.
      utf8: false,
      parsers: TIMESTAMP_PARSERS,
      onChunk: ({ columnName, columnData, rowStart: first }) => {
        const target = values.get(columnName);
        const read = readers.get(columnName);
        if (target !== undefined && read !== undefined) fill(target, columnData, first - rowStart, read);
      },
    });
  } catch (error) {
    if (isStorageError(error)) throw error;
    const message = messageOf(error);
    if (/not supported|unsupported/.test(message)) throw unsupported(source, message, error);
    throw corrupt(source, message, error);
  }
  return values;
}

/** Puts a chunk of values where they belong, in as few steps a value as its kind allows. */
function fill(target: unknown[], chunk: ArrayLike<unknown>, offset: number, read: ReadValue): void {
  const start = Math.max(0, -offset);
  const end = Math.min(chunk.length, target.length - offset);
  if (read === toJs && isPlainNumbers(chunk)) {
    for (let i = start; i < end; i++) target[offset + i] = chunk[i];
    return;
  }
  for (let i = start; i < end; i++) {
    const value = chunk[i];
    if (value === null || value === undefined) continue;
    target[offset + i] =
      typeof value === "string" || (typeof value === "number" && read === toJs) ? value : read(value);
  }
}

function isPlainNumbers(chunk: ArrayLike<unknown>): boolean {
  return chunk instanceof Float64Array || chunk instanceof Float32Array || chunk instanceof Int32Array;
}

function toRows(template: Row, values: ReadonlyMap<string, unknown[]>, start: number, end: number): Row[] {
  const columns = [...values];
  const rows: Row[] = [];
  for (let i = start; i < end; i++) {
    // A spread clone keeps one hidden class for all rows, which makes wide rows several times faster to build and read.
    const row = { ...template };
    for (const [name, column] of columns) row[name] = column[i];
    rows.push(row);
  }
  return rows;
}

function guarded<T>(source: ByteSource, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw corrupt(source, messageOf(error), error);
  }
}

function messageOf(error: unknown): string {
  // A decoder that runs into nonsense speaks of undefined things and ranges, which helps nobody.
  if (error instanceof TypeError || error instanceof RangeError)
    return "its bytes make no sense to the decoder";
  return error instanceof Error ? error.message : String(error);
}

function ascii(bytes: ArrayBuffer): string {
  return String.fromCharCode(...new Uint8Array(bytes));
}

function unsupported(source: ByteSource, problem: string, cause: unknown): StorageError {
  return new StorageError({
    code: "not_supported",
    op: "readParquet",
    path: source.name,
    message: `${source.name} holds what cannot be read here: ${problem}. Read other columns by the option columns, or write the file anew without it.`,
    cause,
  });
}

function corrupt(source: ByteSource, problem: string, cause?: unknown): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "readParquet",
    path: source.name,
    message: `${source.name} is not a readable Parquet file: ${problem}. Restore it from its source, or leave it out.`,
    cause,
  });
}
