import type { FileMetaData, SchemaElement } from "hyparquet";
import { Buffer } from "#platform";
import { throwIfAborted } from "../bytes/abort.ts";
import { yieldIfDue } from "../bytes/concurrency/yield-if-due.ts";
import type { Row } from "../bytes/row.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import { type ByteSource, FOOTER_BYTES } from "./byte-source.ts";
import { footerBytes } from "./chunk-layout.ts";
import type { ColumnType } from "./column-type.ts";
import { decoderName, decoderSchema } from "./decoder-schema.ts";
import { flatKind } from "./flat-column.ts";
import { columnTypeOf, footerType } from "./footer-type.ts";
import {
  type CheckedColumns,
  type CheckedSchema,
  checkedColumns,
  checkedSchema,
  checkLimit,
  FileBudget,
  LimitError,
  type ParquetLimits,
} from "./guard/index.ts";
import { columnBytes, type FooterRows, readFooterRows } from "./known-footer.ts";
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
  const { metadata, known, leafOf, encrypted } = await openFooter(source, limits);
  const { tree, names } = known;
  const decoded: FileMetaData = { version: 0, metadata_length: 0, ...metadata, schema: known.decoderSchema };

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
    fields: known.fields,
    async *scan(columns = names, constants = {}) {
      const wanted = new Set(columns.filter((name) => !Object.hasOwn(constants, name)));
      const locked = [...wanted].filter((name) => encrypted.has(name));
      if (locked.length > 0)
        throw unsupported(source, `the columns ${locked.join(", ")} are encrypted`, undefined);
      const readers = new Map(
        tree.children.flatMap((node, i) => {
          const { name } = node.element;
          return wanted.has(name)
            ? [
                [
                  decoderName(i),
                  { name, read: valueReader(node, source.name), flat: flatKind(node) },
                ] as const,
              ]
            : [];
        }),
      );
      // Made in one step: the objects of two spreads have separate hidden classes in each file, and their clones are slow.
      const template: Row = Object.fromEntries([
        ...columns.map((name) => [name, null] as const),
        ...Object.entries(constants),
      ]);
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
): Promise<{ readonly metadata: FileMetaData }> {
  const footer = await readFooter(source, limits);
  return guarded(source, () => {
    const metadata = parseFooter(footer);
    const columns = checkedColumns(metadata.schema, source.byteLength, limits);
    checkedSchema(columns, metadata, source.byteLength, new FileBudget(source.byteLength, limits));
    return { metadata };
  });
}

/** The checked columns of a footer, and what is made of them. */
interface KnownColumns extends CheckedColumns {
  /** The bytes that describe them in the footer. */
  readonly bytes: Uint8Array;
  /** The limits that they were checked against. */
  readonly limits: ParquetLimits;
  /** The longest value that a type claims, in bytes: no file is shorter. */
  readonly longestValue: number;
  readonly names: readonly string[];
  readonly fields: readonly ParquetField[];
  readonly decoderSchema: SchemaElement[];
}

/** The columns of the last file: the next one is mostly another partition of the same table. */
let lastColumns: KnownColumns | undefined;

/** Reads a footer without statistics, and checks it. Columns that are byte for byte those of the last file are not read again. */
async function openFooter(
  source: ByteSource,
  limits: ParquetLimits,
): Promise<CheckedSchema & { readonly metadata: FooterRows; readonly known: KnownColumns }> {
  const footer = await readFooter(source, limits);
  return guarded(source, () => {
    const { byteLength } = source;
    const last = lastColumns;
    let known: KnownColumns | undefined;
    let metadata: FooterRows | undefined;
    if (
      last !== undefined &&
      last.longestValue <= byteLength &&
      last.limits.maxColumns === limits.maxColumns &&
      last.limits.maxDecimalDigits === limits.maxDecimalDigits
    ) {
      metadata = readFooterRows(footer, last.bytes);
      if (metadata !== undefined) known = last;
    }
    if (known === undefined || metadata === undefined) {
      const parsed = parseFooter(footer);
      metadata = parsed;
      known = knownColumns(footer, parsed.schema, byteLength, limits);
    }
    const schema = checkedSchema(known, metadata, byteLength, new FileBudget(byteLength, limits));
    lastColumns = known;
    return { ...schema, metadata, known };
  });
}

function knownColumns(
  footer: Uint8Array,
  schema: readonly SchemaElement[],
  fileBytes: number,
  limits: ParquetLimits,
): KnownColumns {
  const { tree, leaves } = checkedColumns(schema, fileBytes, limits);
  return {
    tree,
    leaves,
    // No footer has these bytes.
    bytes: columnBytes(footer) ?? new Uint8Array(),
    limits: { ...limits },
    longestValue: Math.max(0, ...[...leaves.values()].map(({ typeLength }) => typeLength)),
    names: tree.children.map(({ element }) => element.name),
    fields: tree.children.map((node) => ({
      name: node.element.name,
      type: footerType(node),
      columnType: columnTypeOf(node),
    })),
    decoderSchema: decoderSchema(tree),
  };
}

/** Returns the bytes of a footer, with its trailer. */
async function readFooter(source: ByteSource, limits: ParquetLimits): Promise<Uint8Array> {
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
  return new Uint8Array(tail, tail.byteLength - size, size);
}

function toRows(
  template: Row,
  values: ReadonlyMap<string, readonly unknown[]>,
  start: number,
  end: number,
): Row[] {
  const names = [...values.keys()];
  const columns = [...values.values()];
  const rows: Row[] = [];
  for (let i = start; i < end; i++) {
    // A spread clone keeps one hidden class for all rows, which makes wide rows several times faster to build and read.
    const row = { ...template };
    // Each name has its column.
    for (let c = 0; c < names.length; c++) row[names[c] as string] = (columns[c] as readonly unknown[])[i];
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
