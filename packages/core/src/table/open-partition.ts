import { mapConcurrent } from "../bytes/concurrency/map-concurrent.ts";
import { joinKey } from "../bytes/key.ts";
import { collectBytes } from "../bytes/object-body.ts";
import { ownValue, type Row } from "../bytes/row.ts";
import type { OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import { preconditionFailed } from "../bytes/write-errors.ts";
import { type CsvTable, decodeCsv } from "../csv/read-csv.ts";
import type { ReadCsvOptions } from "../csv/read-csv-options.ts";
import { openByteSource } from "../parquet/byte-source.ts";
import { type OpenParquetOptions, openParquetFile } from "../parquet/open-parquet-file.ts";
import { committedFiles, isOwnFile } from "./committed-files.ts";
import { type DataFile, MANIFEST_NAME, openCsvFile } from "./data-file.ts";
import { type Manifest, type ManifestFile, parseManifest, withManifestColumns } from "./manifest.ts";
import { listPartitionFolder, type PartitionFolder } from "./partition-tree.ts";

/** How often a partition is listed if it is replaced each time while it is being opened. */
const MAX_LOOKS = 8;
/** After this many equal listings, a missing file that the manifest names is lost, and not late, replaced or renamed. */
const LISTINGS_OF_A_LOSS = 3;
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
  let seen = folder;
  let sameListing = 1;
  for (let look = 1; ; look++) {
    let lost: StorageError | undefined;
    try {
      const { files, manifest } = await currentFiles(backend, seen, options);
      const expected = new Map(manifest?.files?.map((file) => [file.name, file]));
      const opened = await mapConcurrent(files, FILE_CONCURRENCY, (file) =>
        openFile(backend, file, expected.get(file.name), options),
      );
      return opened.flatMap((file) => (file === undefined ? [] : [withNullColumns(file, manifest)]));
    } catch (error) {
      const moved = isStorageError(error, "not_found") || isStorageError(error, "precondition_failed");
      if (!moved) throw error;
      if (look === MAX_LOOKS) throw stillMoving(backend, folder, error);
      if (isStorageError(error, "not_found") && seen.manifest !== undefined) lost = error;
    }
    const fresh = await listPartitionFolder(backend, folder, options.signal);
    if (fresh === undefined) return [];
    sameListing = versionOf(fresh) === versionOf(seen) ? sameListing + 1 : 1;
    // The same manifest before, during and after, and the same files: no write has replaced or renamed the file.
    if (lost !== undefined && sameListing === LISTINGS_OF_A_LOSS) throw lost;
    seen = fresh;
  }
}

/** Identifies what a listing of a folder shows. */
function versionOf({ manifest, files, pending }: PartitionFolder): string {
  return JSON.stringify([manifest?.etag, ...[...files, ...pending].map(({ info }) => info.key)]);
}

async function currentFiles(
  backend: StorageBackend,
  folder: PartitionFolder,
  options: OperationOptions,
): Promise<{ readonly files: readonly DataFile[]; readonly manifest: Manifest | undefined }> {
  const { manifest } = folder;
  if (manifest === undefined) {
    const files = committedFiles(folder, undefined);
    if (folder.files.some(({ name }) => isOwnFile(name))) await checkNoManifest(backend, folder, options);
    return { files, manifest: undefined };
  }
  const { body } = await backend.get(manifest.key, { ifMatch: manifest.etag, signal: options.signal });
  const parsed = parseManifest(await body.bytes(), manifest.key);
  return { files: committedFiles(folder, parsed), manifest: parsed };
}

/**
 * Parquetry's files without a manifest are a copied folder, unless the listing was taken in the middle of a commit: then
 * the manifest exists by now, and the folder must be listed again.
 */
async function checkNoManifest(
  backend: StorageBackend,
  folder: PartitionFolder,
  options: OperationOptions,
): Promise<void> {
  const key = joinKey(folder.prefix, MANIFEST_NAME);
  try {
    await backend.head(key, { signal: options.signal });
  } catch (error) {
    if (isStorageError(error, "not_found")) return;
    throw error;
  }
  throw preconditionFailed(backend.name, "readIndex", key, "none");
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
    return csvFile(backend.url(key), await decodeCsv(csv.bytes, backend.url(key), csv.options));
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

function stillMoving(backend: StorageBackend, folder: PartitionFolder, cause: unknown): StorageError {
  return new StorageError({
    code: "conflict",
    op: "readIndex",
    path: folder.prefix,
    backend: backend.name,
    retry: "safe",
    message: `readIndex: ${folder.prefix} was replaced ${MAX_LOOKS} times while it was being opened. Retry once its writers have finished.`,
    cause,
  });
}
