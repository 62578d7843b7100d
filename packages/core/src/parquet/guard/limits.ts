/**
 * Limits for reading a Parquet file. They stop a file whose rows would take far more memory than the file itself. A file that
 * exceeds one is refused with a message that names the limit, so that it can be raised for a file that is known to be good.
 */
export interface ParquetLimits {
  /** The most rows and values, of all columns together. Default: 16 million, and 32 for each byte of the file. */
  readonly maxValues?: number | undefined;
  /** The most bytes of all pages together, decompressed. Default: 64 MiB, and 64 for each byte of the file. */
  readonly maxDecodedBytes?: number | undefined;
  /** The most values of one page. Default: 16 million; 4 million strings or byte arrays. */
  readonly maxPageValues?: number | undefined;
  /** The most bytes of one page, decompressed. Default 256 MiB. */
  readonly maxPageBytes?: number | undefined;
  /** The most columns, including groups. Default 16,384. */
  readonly maxColumns?: number | undefined;
  /** The largest footer, in bytes. It takes many times its size in memory. Default 32 MiB. */
  readonly maxFooterBytes?: number | undefined;
  /** The most digits of a decimal. Default 100. */
  readonly maxDecimalDigits?: number | undefined;
}

/** A file exceeds a limit. The message is a clause, to which the reader adds the name of the file. */
export class LimitError extends Error {
  /**
   * @param limit the name of the limit.
   * @param claimed what the file claims.
   * @param problem the claim as a clause: `it claims 50 values`.
   */
  constructor(limit: keyof ParquetLimits, claimed: number, problem: string, most: number) {
    super(
      `${problem}, more than the limit ${limit} of ${most}. If you trust the file, raise the limit by the option limits: { ${limit}: ${claimed} }`,
    );
  }
}

/**
 * Checks a claim against a limit.
 *
 * @throws LimitError where the claim is larger, or not a number.
 */
export function checkLimit(
  limits: ParquetLimits,
  limit: keyof ParquetLimits,
  byDefault: number,
  claimed: number,
  problem: string,
): void {
  const most = limits[limit] ?? byDefault;
  if (!(claimed <= most)) throw new LimitError(limit, claimed, problem, most);
}
