/** What any file may hold, whatever its size. */
const FREE_VALUES = 2 ** 24;
const FREE_BYTES = 2 ** 26;
/** What each byte of a file may become: compression and dictionaries of real data stay far below. */
const VALUES_PER_BYTE = 32;
const BYTES_PER_BYTE = 64;

/**
 * What reading a file may cost, in proportion to its size: a few hundred bytes can honestly claim 50 million rows, or
 * decompress without end, and a reader that holds rows in memory has to draw the line somewhere.
 */
export class FileBudget {
  readonly #fileBytes: number;
  #values = 0;
  #bytes = 0;

  constructor(fileBytes: number) {
    this.#fileBytes = fileBytes;
  }

  /**
   * Takes values: a row, or a value of a column.
   *
   * @throws Error where the file claims more than one of its size may.
   */
  chargeValues(values: number): void {
    this.#values += values;
    const most = FREE_VALUES + this.#fileBytes * VALUES_PER_BYTE;
    if (!(this.#values <= most))
      throw new Error(`it claims ${this.#values} values in ${this.#fileBytes} bytes, more than ${most}`);
  }

  /**
   * Takes bytes that a page becomes when it is decompressed or decoded.
   *
   * @throws Error where the file grows to more than one of its size may.
   */
  chargeBytes(bytes: number): void {
    this.#bytes += bytes;
    const most = FREE_BYTES + this.#fileBytes * BYTES_PER_BYTE;
    if (!(this.#bytes <= most))
      throw new Error(`its ${this.#fileBytes} bytes would grow to ${this.#bytes}, more than ${most}`);
  }
}
