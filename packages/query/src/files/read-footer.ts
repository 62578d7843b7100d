import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { footerBytes } from "@parquetry/core/unstable/tables";

/** Read first, from the end of the file: most footers are shorter. */
const TAIL_BYTES = 16 * 1024;
/** Opening a named pipe would wait for its writer. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Reads the footer of a file and its trailer. Empty where the file does not end like a Parquet file. A synchronous read of a small file
 * takes 10 µs; in Node's pool it takes ten times as long.
 *
 * @param maxBytes longer footers are not read; the result is then empty.
 */
export function readFooter(path: string, maxBytes: number = Number.POSITIVE_INFINITY): Uint8Array {
  const descriptor = openSync(path, FLAGS);
  try {
    const { size } = fstatSync(descriptor);
    const last = (bytes: number): Uint8Array => {
      const buffer = Buffer.allocUnsafe(Math.min(bytes, size));
      const read = readSync(descriptor, buffer, 0, buffer.byteLength, size - buffer.byteLength);
      return buffer.subarray(0, read);
    };
    const tail = last(TAIL_BYTES);
    const bytes = footerBytes(tail) ?? 0;
    if (bytes > Math.min(size, maxBytes)) return new Uint8Array(0);
    return bytes > tail.byteLength ? last(bytes) : tail.subarray(tail.byteLength - bytes);
  } finally {
    closeSync(descriptor);
  }
}
