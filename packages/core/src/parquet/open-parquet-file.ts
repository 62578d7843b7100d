import type { ByteSource } from "./byte-source.ts";
import { openParquet, type ParquetFile } from "./open-parquet.ts";
import { scanUntrusted } from "./scan-untrusted.ts";
import type { UntrustedLimits } from "./untrusted-limits.ts";

/**
 * {@link openParquet}, with the rows of an untrusted file decoded apart. Its footer is read here: that takes no more steps
 * and no more memory than it has bytes.
 */
export async function openParquetFile(
  source: ByteSource,
  untrusted: boolean | UntrustedLimits = false,
): Promise<ParquetFile> {
  const file = await openParquet(source);
  if (untrusted === false) return file;
  const limits = untrusted === true ? {} : untrusted;
  return {
    ...file,
    async *scan(columns, constants) {
      for await (const rows of scanUntrusted(source, file, columns, limits))
        yield rows.map((row) => Object.assign(row, constants));
    },
  };
}
