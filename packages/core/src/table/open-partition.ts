import { throwIfAborted } from "../bytes/abort.ts";
import { mapConcurrent } from "../bytes/concurrency/map-concurrent.ts";
import { collectBytes } from "../bytes/object-body.ts";
import { ownValue, type Row } from "../bytes/row.ts";
import type { OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, type StorageError } from "../bytes/storage-error.ts";
import { type CsvTable, decodeCsv } from "../csv/read-csv.ts";
import type { ReadCsvOptions } from "../csv/read-csv-options.ts";
import { openByteSource } from "../parquet/byte-source.ts";
import { type OpenParquetOptions, openParquetFile } from "../parquet/open-parquet-file.ts";
import { type DataFile, openCsvFile } from "./data-file.ts";
import { type Manifest, type ManifestFile, withManifestColumns } from "./manifest.ts";
import type { PartitionFolder } from "./partition-tree.ts";
import { readCommitted } from "./read-committed.ts";

/** Files of one partition that are opened concurrently. */
const FILE_CONCURRENCY = 8;

/** Options of reading a partition's files. */
export interface OpenPartitionOptions extends OperationOptions, OpenParquetOptions {
  /** How its CSV files are read. */
  readonly csv?: ReadCsvOptions | undefined;
  /** `throw` (default): a file that cannot be read is an error. `skip`: it is left out and reported to `onSkippedFile`. */
  readonly onUnreadable?: "throw" | "skip" | undefined;
  /** Called with the error of each file that `onUnreadable: "skip"` left out. */
  readonly onSkippedFile?: ((error: StorageError) => void) | undefined;
}

/** An open file, whose rows can be read in batches. */
export interface OpenFile {
  /** Names it in errors. */
  readonly name: string;
  /** Its columns, in order. */
  readonly columns: readonly string[];
  /**
   * Yields rows in batches; with `columns` only these, in that order, null where the file lacks one. A column of `constants`
   * has the same value in every row, and comes last where `columns` does not name it.
   */
  scan(columns?: readonly string[], constants?: Row): AsyncIterable<Row[]>;
}

/**
 * Opens the committed files of a partition as one version: if a writer replaces the partition in the meantime, it is listed
 * again, so that all files are from before or all from after the replacement.
 *
 * @throws StorageError `corrupt` that names a file which cannot be read; `not_found` that names a file which the manifest
 * lists and which is gone; `conflict` if writers replace the partition every time.
 */
export async function openPartition(
  backend: StorageBackend,
  folder: PartitionFolder,
  options: OpenPartitionOptions,
): Promise<readonly OpenFile[]> {
  const opened = await readCommitted(backend, folder, options, async (files, manifest) => {
    const expected = new Map(manifest?.files?.map((file) => [file.name, file]));
    const open = await mapConcurrent(files, FILE_CONCURRENCY, (file) =>
      openFile(backend, file, expected.get(file.name), options),
    );
    return open.flatMap((file) => (file === undefined ? [] : [withNullColumns(file, manifest)]));
  });
  return opened ?? [];
}

async function openFile(
  backend: StorageBackend,
  file: DataFile,
  expected: ManifestFile | undefined,
  options: OpenPartitionOptions,
): Promise<OpenFile | undefined> {
  const { key } = file.info;
  try {
    if (file.format === "parquet") {
      const source = await openByteSource(backend, key, {
        known: file.info,
        expected,
        signal: options.signal,
      });
      return await openParquetFile(source, options);
    }
    const { body } = await backend.get(key, { ifMatch: file.info.etag, signal: options.signal });
    const csv = await openCsvFile(await collectBytes(body), backend.url(key), options.csv);
    const checkpoint = (): void => throwIfAborted(options.signal, "readIndex", key, backend.name);
    return csvFile(backend.url(key), await decodeCsv(csv.bytes, backend.url(key), csv.options, checkpoint));
  } catch (error) {
    if (options.onUnreadable !== "skip" || !isUnreadable(error)) throw error;
    options.onSkippedFile?.(error);
    return undefined;
  }
}

/** Adds the columns that were left out of the file, since they are NULL throughout. */
function withNullColumns(file: OpenFile, manifest: Manifest | undefined): OpenFile {
  const all = withManifestColumns(file.columns, manifest);
  if (all.length === file.columns.length) return file;
  return {
    name: file.name,
    columns: all,
    scan: (columns = all, constants = {}) => file.scan(columns, constants),
  };
}

/** Returns whether an error means that a file cannot be read, however often it is tried: it is damaged, or encrypted. */
export function isUnreadable(error: unknown): error is StorageError {
  return isStorageError(error, "corrupt") || isStorageError(error, "not_supported");
}

function csvFile(name: string, { columns: own, rows }: CsvTable): OpenFile {
  const names = own.map((column) => column.name);
  return {
    name,
    columns: names,
    async *scan(columns = names, constants = {}) {
      yield rows.map((row) => ({
        ...Object.fromEntries(columns.map((column) => [column, ownValue(row, column) ?? null])),
        ...constants,
      }));
    },
  };
}
