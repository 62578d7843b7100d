import { checkLimit, type ParquetLimits } from "./limits.ts";

/** The values and bytes that a file of any size may hold. */
const FREE_VALUES = 2 ** 24;
const FREE_BYTES = 2 ** 26;
/** How much more each byte of a file may hold: compression and dictionaries of real data stay far below. */
const VALUES_PER_BYTE = 32;
const BYTES_PER_BYTE = 64;

/**
 * Limits the cost of reading a file, by default in proportion to its size: a few hundred bytes can validly describe 50 million
 * rows, or decompress without end, and a reader that holds rows in memory needs a limit.
 */
export class FileBudget {
  /** The limits that the caller has set. */
  readonly limits: ParquetLimits;
  readonly #fileBytes: number;
  #values = 0;
  #bytes = 0;

  constructor(fileBytes: number, limits: ParquetLimits = {}) {
    this.#fileBytes = fileBytes;
    this.limits = limits;
  }

  /**
   * Charges rows, or values of a column.
   *
   * @throws LimitError if the file claims more than it may.
   */
  chargeValues(values: number): void {
    this.#values += values;
    const problem = `it claims ${this.#values} values in ${this.#fileBytes} bytes`;
    const most = FREE_VALUES + this.#fileBytes * VALUES_PER_BYTE;
    checkLimit(this.limits, "maxValues", most, this.#values, problem);
  }

  /**
   * Charges bytes of a page that is decompressed or decoded.
   *
   * @throws LimitError if the file grows to more than it may.
   */
  chargeBytes(bytes: number): void {
    this.#bytes += bytes;
    const problem = `its ${this.#fileBytes} bytes would grow to ${this.#bytes}`;
    const most = FREE_BYTES + this.#fileBytes * BYTES_PER_BYTE;
    checkLimit(this.limits, "maxDecodedBytes", most, this.#bytes, problem);
  }
}
