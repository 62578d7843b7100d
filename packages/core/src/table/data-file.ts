import { unzip } from "#platform";
import type { ObjectInfo } from "../bytes/storage-backend.ts";
import { corruptCsv } from "../csv/corrupt-csv.ts";
import type { ReadCsvOptions } from "../csv/read-csv-options.ts";

/** The longest string of JavaScript, about. */
const MAX_CSV_BYTES = 512 * 1024 * 1024;

/** The file formats that hold rows. */
export type DataFormat = "parquet" | "csv";

/** A file of a partition that holds rows. */
export interface DataFile {
  /** Its name inside the partition's folder. */
  readonly name: string;
  /** Its format, by its extension. */
  readonly format: DataFormat;
  /** Its size and version, from the listing. */
  readonly info: ObjectInfo;
}

/** The name of a partition's manifest. Engines ignore files whose name begins with `_`. */
export const MANIFEST_NAME = "_manifest.json";
/** The name that the Python system used. It is still read; the next commit or `repair` replaces it. */
export const OLD_MANIFEST_NAME = "manifest.json";

/** Engines ignore names that begin with `_`; DuckDB and Polars do not, but their patterns, `*.parquet`, do not match the end. */
const PENDING_NAME = /^_(part-[0-9a-f]{32})\.pending$/;

/** Parquet files as pandas, fastparquet and dask name them; `.parquet.gzip` of pandas names the codec inside the file. */
const PARQUET_NAME = /\.(?:parquet|parq|pq)(?:\.(?:gzip|snappy|zstd|brotli|lz4))?$/i;
const CSV_NAME = /\.(?:csv|tsv)(?:\.(?:gz|gzip))?$/i;
/** Files of rows that are not read: other formats, and formats that are read inside other compressions. */
const UNREAD_NAME =
  /\.(?:(?:parquet|parq|pq|csv|tsv|tab|psv|dat|json|jsonl|ndjson|orc|avro|arrow|feather|ipc|xlsx?|pkl|h5|hdf5?)(?:\.\w{1,6})?|gz|bz2|xz|zst|zip)$/i;
const TEMPORARY_NAME = /\.(?:tmp|temp|part|partial|crdownload|swp|lock|bak)$/i;

/** Returns the name of a data file until its write is committed and it is published: `_part-<32 hex>.pending`. */
export function pendingFileName(writeId: string): string {
  return `_part-${writeId}.pending`;
}

/** Returns the name that the file of a {@link pendingFileName} gets when it is published, or undefined for other names. */
export function publishedName(name: string): string | undefined {
  const [, base] = PENDING_NAME.exec(name) ?? [];
  return base === undefined ? undefined : `${base}.parquet`;
}

/** Whether readers of Hive trees ignore a file or a folder of this name: `_SUCCESS`, `._part-0.parquet`, `_delta_log`. */
export function isHiddenName(name: string): boolean {
  return name.startsWith(".") || name.startsWith("_");
}

/**
 * Returns the format of a data file by its name, in any case, or undefined for names that are not read: `._*`, `.*`, `_*`,
 * `manifest.json`, other extensions.
 *
 * @example
 * ```ts
 * dataFormat("part-0.parquet"); // "parquet"
 * dataFormat("PLAYS.CSV.GZ"); // "csv"
 * dataFormat("._part-0.parquet"); // undefined: AppleDouble
 * ```
 */
export function dataFormat(name: string): DataFormat | undefined {
  if (isHiddenName(name)) return undefined;
  if (PARQUET_NAME.test(name)) return "parquet";
  if (CSV_NAME.test(name)) return "csv";
  return undefined;
}

/**
 * Returns true if the name of a file says that it holds rows, whether or not it is read: `plays.orc`, `plays.csv.bz2`, and a
 * name without an extension, as Athena, Hive and Impala give data files.
 *
 * @example
 * ```ts
 * looksLikeData("20241129_081523_00007_x"); // true
 * looksLikeData("README.md"); // false
 * ```
 */
export function looksLikeData(name: string): boolean {
  if (isHiddenName(name) || name === OLD_MANIFEST_NAME || TEMPORARY_NAME.test(name)) return false;
  return !name.includes(".") || dataFormat(name) !== undefined || UNREAD_NAME.test(name);
}

/**
 * Prepares a CSV file for decoding as its name says: unpacks `.gz`, and separates the values of `.tsv` by tabs unless the
 * options name a delimiter.
 *
 * @throws StorageError `corrupt` if it cannot be unpacked.
 * @example
 * ```ts
 * const { bytes, options } = await openCsvFile(packed, "plays.tsv.gz", {});
 * ```
 */
export async function openCsvFile(
  bytes: Uint8Array,
  name: string,
  options: ReadCsvOptions = {},
): Promise<{ readonly bytes: Uint8Array; readonly options: ReadCsvOptions }> {
  const isTabs = /\.tsv(?:\.\w+)?$/i.test(name) && options.delimiter === undefined;
  const separated = isTabs ? { ...options, delimiter: "\t" } : options;
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  if (!isPacked) return { bytes, options: separated };
  try {
    return { bytes: await unzip(bytes, { maxOutputLength: MAX_CSV_BYTES }), options: separated };
  } catch (cause) {
    throw corruptCsv(name, "it cannot be unpacked: it is damaged, or holds more than 512 MiB", cause);
  }
}
