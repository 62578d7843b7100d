import { type FileMetaData, parquetMetadata } from "hyparquet";
import type { Row } from "../bytes/row.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import { type ByteSource, FOOTER_BYTES } from "./byte-source.ts";
import { footerBytes, TRAILER_BYTES } from "./chunk-layout.ts";
import type { ColumnType } from "./column-type.ts";
import { columnTypeOf, footerType } from "./footer-type.ts";
import { checkedSchema, FileBudget, ThriftReader } from "./guard/index.ts";
import { readRowGroup } from "./read-row-group.ts";
import { rawElement, valueReader } from "./value-reader.ts";

/** Rows in a batch of a scan. */
export const BATCH_ROWS = 8_192;

/** The magic at both ends and the length of the footer: no Parquet file is shorter. */
const MIN_FILE_BYTES = 12;
/** A decoded footer takes many times its size in memory. */
const MAX_FOOTER_BYTES = 2 ** 25;

/** A top-level column of a file. */
export interface ParquetField {
  /** Its name. */
  readonly name: string;
  /** Its type, as {@link footerType} returns it. */
  readonly type: string;
  /** Its type for writing, or undefined if Parquetry does not write that type. */
  readonly columnType: ColumnType | undefined;
}

/** An open Parquet file. Its footer is read and checked, its rows are not read yet. */
export interface ParquetFile {
  /** Its name in errors. */
  readonly name: string;
  /** Its number of rows. */
  readonly rowCount: number;
  /** The number of values that its footer claims, of all columns together. */
  readonly valueCount: number;
  /** The program that wrote it, according to its footer. */
  readonly createdBy: string | undefined;
  /** The names of its top-level columns, in order. */
  readonly columns: readonly string[];
  /** Its top-level columns. */
  readonly fields: readonly ParquetField[];
  /**
   * Yields rows in batches of at most {@link BATCH_ROWS}, and holds one row group at a time. With `columns`, only the bytes of
   * these columns are read; one that the file lacks is null in every row. The columns of `constants` come last, with the same
   * value in every row.
   */
  scan(columns?: readonly string[], constants?: Row): AsyncGenerator<Row[]>;
}

/**
 * Opens a Parquet file and checks its footer before anything else trusts it.
 *
 * @throws StorageError `corrupt` if it is not a Parquet file, or a broken one.
 * @example
 * ```ts
 * const file = await openParquet(await openByteSource(backend, key));
 * for await (const rows of file.scan(["team", "yards"])) console.log(rows.length);
 * ```
 */
export async function openParquet(source: ByteSource): Promise<ParquetFile> {
  const metadata = await readFooter(source);
  const budget = new FileBudget(source.byteLength);
  const { tree, leafOf } = guarded(source, () => checkedSchema(metadata, source.byteLength, budget));
  const names = tree.children.map(({ element }) => element.name);
  const known = new Set(names);
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
    fields: tree.children.map((node) => ({
      name: node.element.name,
      type: footerType(node),
      columnType: columnTypeOf(node),
    })),
    async *scan(columns = names, constants = {}) {
      const wanted = new Set(columns.filter((name) => known.has(name)));
      const readers = new Map(
        tree.children
          .filter(({ element }) => wanted.has(element.name))
          .map((node) => [node.element.name, valueReader(node, source.name)]),
      );
      const template: Row = { ...Object.fromEntries(columns.map((name) => [name, null])), ...constants };
      // Each scan has its own budget for decompressed bytes.
      const decoder = { source, metadata: raw, leafOf, readers, budget: new FileBudget(source.byteLength) };
      for (const group of metadata.row_groups) {
        const rowCount = Number(group.num_rows);
        let values: ReadonlyMap<string, readonly unknown[]>;
        try {
          values = await readRowGroup(decoder, group);
        } catch (error) {
          throw asStorageError(source, error);
        }
        for (let start = 0; start < rowCount; start += BATCH_ROWS) {
          yield toRows(template, values, start, Math.min(start + BATCH_ROWS, rowCount));
        }
      }
    },
  };
}

async function readFooter(source: ByteSource): Promise<FileMetaData> {
  if (source.byteLength < MIN_FILE_BYTES)
    throw corrupt(source, `it has ${source.byteLength} bytes, a Parquet file at least ${MIN_FILE_BYTES}`);
  let tail = await source.slice(Math.max(0, source.byteLength - FOOTER_BYTES));
  const size = footerBytes(new Uint8Array(tail));
  if (size === undefined) throw corrupt(source, "it does not end with PAR1");
  if (size > source.byteLength - 4)
    throw corrupt(source, `its footer claims ${size} bytes of ${source.byteLength}`);
  if (size > MAX_FOOTER_BYTES)
    throw corrupt(source, `its footer has ${size} bytes, more than ${MAX_FOOTER_BYTES}`);
  if (size > tail.byteLength) tail = await source.slice(source.byteLength - size);
  return guarded(source, () => {
    const footer = new Uint8Array(tail, tail.byteLength - size, size);
    new ThriftReader(footer.subarray(0, -TRAILER_BYTES), 0).struct(() => false);
    return parquetMetadata(footer, { geoparquet: false });
  });
}

function toRows(
  template: Row,
  values: ReadonlyMap<string, readonly unknown[]>,
  start: number,
  end: number,
): Row[] {
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

/** Turns an error of the decoder into a StorageError. */
function asStorageError(source: ByteSource, error: unknown): StorageError {
  if (isStorageError(error)) return error;
  const message = messageOf(error);
  if (/not supported|unsupported/.test(message)) return unsupported(source, message, error);
  return corrupt(source, message, error);
}

function guarded<T>(source: ByteSource, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw corrupt(source, messageOf(error), error);
  }
}

function messageOf(error: unknown): string {
  // The message would name a variable of the decoder, which does not help the user.
  if (error instanceof TypeError || error instanceof RangeError)
    return "its bytes make no sense to the decoder";
  return error instanceof Error ? error.message : String(error);
}

function unsupported(source: ByteSource, problem: string, cause: unknown): StorageError {
  return new StorageError({
    code: "not_supported",
    op: "readParquet",
    path: source.name,
    message: `${source.name} cannot be read: ${problem}. Read other columns by the option columns, or rewrite the file without this feature.`,
    cause,
  });
}

function corrupt(source: ByteSource, problem: string, cause?: unknown): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "readParquet",
    path: source.name,
    message: `${source.name} is not a readable Parquet file: ${problem}. Restore it from its source, or remove it.`,
    cause,
  });
}
