import type { ObjectInfo } from "../bytes/storage-backend.ts";

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

/**
 * Returns the format of a data file by its name, or undefined for names that are never data: `._*`, `.*`, `_*`, `manifest.json`, other
 * extensions.
 *
 * @example
 * ```ts
 * dataFormat("part-0.parquet"); // "parquet"
 * dataFormat("._part-0.parquet"); // undefined: AppleDouble
 * ```
 */
export function dataFormat(name: string): DataFormat | undefined {
  if (name.startsWith(".") || name.startsWith("_")) return undefined;
  if (name.endsWith(".parquet")) return "parquet";
  if (name.endsWith(".csv")) return "csv";
  return undefined;
}
