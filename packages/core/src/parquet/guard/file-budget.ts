/** The values and bytes that a file of any size may hold. */
const FREE_VALUES = 2 ** 24;
const FREE_BYTES = 2 ** 26;
/** How much more each byte of a file may hold: compression and dictionaries of real data stay far below. */
const VALUES_PER_BYTE = 32;
const BYTES_PER_BYTE = 64;

/**
 * Limits the cost of reading a file, in proportion to its size: a few hundred bytes can validly describe 50 million rows, or
 * decompress without end, and a reader that holds rows in memory needs a limit.
 */
export class FileBudget {
  readonly #fileBytes: number;
  #values = 0;
  #bytes = 0;

  constructor(fileBytes: number) {
    this.#fileBytes = fileBytes;
  }

  /**
   * Charges rows, or values of a column.
   *
   * @throws Error if the file claims more than a file of its size may.
   */
  chargeValues(values: number): void {
    this.#values += values;
    const most = FREE_VALUES + this.#fileBytes * VALUES_PER_BYTE;
    if (!(this.#values <= most))
      throw new Error(`it claims ${this.#values} values in ${this.#fileBytes} bytes, more than ${most}`);
  }

  /**
   * Charges bytes of a page that is decompressed or decoded.
   *
   * @throws Error if the file grows to more than a file of its size may.
   */
  chargeBytes(bytes: number): void {
    this.#bytes += bytes;
    const most = FREE_BYTES + this.#fileBytes * BYTES_PER_BYTE;
    if (!(this.#bytes <= most))
      throw new Error(`its ${this.#fileBytes} bytes would grow to ${this.#bytes}, more than ${most}`);
  }
}
