import type { FileMetaData } from "hyparquet";
import { Buffer } from "#platform";
import { throwIfAborted } from "../bytes/abort.ts";
import { yieldIfDue } from "../bytes/concurrency/yield-if-due.ts";
import type { Row } from "../bytes/row.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import { type ByteSource, FOOTER_BYTES } from "./byte-source.ts";
import { footerBytes } from "./chunk-layout.ts";
import type { ColumnType } from "./column-type.ts";
import { decoderName, decoderSchema } from "./decoder-schema.ts";
import { columnTypeOf, footerType } from "./footer-type.ts";
import {
  type CheckedSchema,
  checkedSchema,
  checkLimit,
  FileBudget,
  LimitError,
  type ParquetLimits,
} from "./guard/index.ts";
import { parseFooter } from "./parse-footer.ts";
import { readRowGroup } from "./read-row-group.ts";
import { valueReader } from "./value-reader.ts";

/** Rows in a batch of a scan. */
export const BATCH_ROWS = 8_192;

/** The magic at both ends and the length of the footer: no Parquet file is shorter. */
const MIN_FILE_BYTES = 12;
/** The magic of a file with an encrypted footer. */
const ENCRYPTED_MAGIC = "PARE";
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
   * these columns are read, in that order; one that the file lacks is null in every row. A column of `constants` has the same
   * value in every row, and comes last where `columns` does not name it.
   */
  scan(columns?: readonly string[], constants?: Row): AsyncGenerator<Row[]>;
}

/**
 * Opens a Parquet file and checks its footer before anything else trusts it.
 *
 * @throws StorageError `corrupt` if it is not a Parquet file, a broken one, or one that exceeds a limit; `not_supported` if it
 * is encrypted.
 * @example
 * ```ts
 * const file = await openParquet(await openByteSource(backend, key));
 * for await (const rows of file.scan(["team", "yards"])) console.log(rows.length);
 * ```
 */
export async function openParquet(source: ByteSource, limits: ParquetLimits = {}): Promise<ParquetFile> {
  const { metadata, tree, leafOf, encrypted } = await readCheckedFooter(source, limits);
  const names = tree.children.map(({ element }) => element.name);
  const decoded: FileMetaData = { ...metadata, schema: decoderSchema(tree) };

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
      const wanted = new Set(columns.filter((name) => !Object.hasOwn(constants, name)));
      const locked = [...wanted].filter((name) => encrypted.has(name));
      if (locked.length > 0)
        throw unsupported(source, `the columns ${locked.join(", ")} are encrypted`, undefined);
      const readers = new Map(
        tree.children.flatMap((node, i) => {
          const { name } = node.element;
          return wanted.has(name)
            ? [[decoderName(i), { name, read: valueReader(node, source.name) }] as const]
            : [];
        }),
      );
      const template: Row = { ...Object.fromEntries(columns.map((name) => [name, null])), ...constants };
      // Each scan has its own budget for decompressed bytes.
      const budget = new FileBudget(source.byteLength, limits);
      const decoder = { source, metadata: decoded, leafOf, readers, budget };
      for (const group of metadata.row_groups) {
        const rowCount = Number(group.num_rows);
        let values: ReadonlyMap<string, readonly unknown[]>;
        try {
          values = await readRowGroup(decoder, group);
        } catch (error) {
          throw asStorageError(source, error);
        }
        for (let start = 0; start < rowCount; start += BATCH_ROWS) {
          await yieldIfDue();
          throwIfAborted(source.signal, "readParquet", source.name);
          yield toRows(template, values, start, Math.min(start + BATCH_ROWS, rowCount));
        }
      }
    },
  };
}

/** Reads a footer, and checks it before anything else trusts it. */
export async function readCheckedFooter(
  source: ByteSource,
  limits: ParquetLimits,
): Promise<CheckedSchema & { readonly metadata: FileMetaData }> {
  const metadata = await readFooter(source, limits);
  const schema = guarded(source, () =>
    checkedSchema(metadata, source.byteLength, new FileBudget(source.byteLength, limits)),
  );
  return { ...schema, metadata };
}

async function readFooter(source: ByteSource, limits: ParquetLimits): Promise<FileMetaData> {
  if (source.byteLength < MIN_FILE_BYTES)
    throw corrupt(source, `it has ${source.byteLength} bytes, a Parquet file at least ${MIN_FILE_BYTES}`);
  let tail = await source.slice(Math.max(0, source.byteLength - FOOTER_BYTES));
  const size = footerBytes(new Uint8Array(tail));
  if (size === undefined) {
    if (Buffer.from(tail).toString("latin1", tail.byteLength - 4) === ENCRYPTED_MAGIC)
      throw encryptedFile(source);
    throw corrupt(source, "it does not end with PAR1");
  }
  if (size > source.byteLength - 4)
    throw corrupt(source, `its footer claims ${size} bytes of ${source.byteLength}`);
  guarded(source, () =>
    checkLimit(limits, "maxFooterBytes", MAX_FOOTER_BYTES, size, `its footer has ${size} bytes`),
  );
  if (size > tail.byteLength) tail = await source.slice(source.byteLength - size);
  return guarded(source, () => parseFooter(new Uint8Array(tail, tail.byteLength - size, size)));
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

function encryptedFile(source: ByteSource): StorageError {
  return new StorageError({
    code: "not_supported",
    op: "readParquet",
    path: source.name,
    message: `${source.name} is encrypted, which is not supported. Decrypt it by a program that has its keys.`,
  });
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
    message:
      cause instanceof LimitError
        ? `${source.name} is not read: ${problem}.`
        : `${source.name} is not a readable Parquet file: ${problem}. Restore it from its source, or remove it.`,
    cause,
  });
}
