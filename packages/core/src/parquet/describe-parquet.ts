import type { ByteSource } from "./byte-source.ts";
import type { ParquetLimits } from "./guard/index.ts";
import { readCheckedFooter } from "./open-parquet.ts";

/** One column of one row group, as the footer describes it. */
export interface ChunkDescription {
  /** The names from the table's column down to the leaf. */
  readonly path: readonly string[];
  readonly codec: string;
  readonly encodings: readonly string[];
  readonly values: number;
  /** The values that are NULL; absent if the footer does not tell. */
  readonly nulls?: number | undefined;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  /** The least and the greatest value, as the footer has them. Of long strings, it may have the beginning only. */
  readonly min?: unknown;
  readonly max?: unknown;
}

/** A row group, as the footer describes it. */
export interface RowGroupDescription {
  readonly rows: number;
  readonly chunks: readonly ChunkDescription[];
}

/** A Parquet file, as its footer describes it. */
export interface ParquetDescription {
  readonly rows: number;
  readonly createdBy: string | undefined;
  readonly rowGroups: readonly RowGroupDescription[];
}

/**
 * Describes the row groups and column chunks of a Parquet file. It reads only the footer.
 *
 * @throws StorageError as `openParquet` does.
 * @example
 * ```ts
 * const { rowGroups } = await describeParquet(await openByteSource(backend, key));
 * ```
 */
export async function describeParquet(
  source: ByteSource,
  limits: ParquetLimits = {},
): Promise<ParquetDescription> {
  const { metadata } = await readCheckedFooter(source, limits);
  return {
    rows: Number(metadata.num_rows),
    createdBy: metadata.created_by,
    rowGroups: metadata.row_groups.map(({ num_rows, columns }) => ({
      rows: Number(num_rows),
      chunks: columns.flatMap(({ meta_data: chunk }) => {
        // An encrypted column has its facts elsewhere.
        if (chunk === undefined) return [];
        const { statistics } = chunk;
        return [
          {
            path: chunk.path_in_schema,
            codec: chunk.codec,
            encodings: chunk.encodings,
            values: Number(chunk.num_values),
            nulls: statistics?.null_count === undefined ? undefined : Number(statistics.null_count),
            compressedBytes: Number(chunk.total_compressed_size),
            uncompressedBytes: Number(chunk.total_uncompressed_size),
            min: statistics?.min_value ?? statistics?.min,
            max: statistics?.max_value ?? statistics?.max,
          },
        ];
      }),
    })),
  };
}
