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
  return withFile(path, (size, last) => {
    const tail = last(TAIL_BYTES);
    const bytes = footerBytes(tail) ?? 0;
    if (bytes > Math.min(size, maxBytes)) return new Uint8Array(0);
    return bytes > tail.byteLength ? last(bytes) : tail.subarray(tail.byteLength - bytes);
  });
}

/** Reads a whole file. Empty where it is larger than `maxBytes`. */
export function readSmall(path: string, maxBytes: number): Uint8Array {
  return withFile(path, (size, last) => (size > maxBytes ? new Uint8Array(0) : last(size)));
}

/** @param read called with the size of the file, and a function that reads its last bytes. */
function withFile(
  path: string,
  read: (size: number, last: (bytes: number) => Uint8Array) => Uint8Array,
): Uint8Array {
  const descriptor = openSync(path, FLAGS);
  try {
    const { size } = fstatSync(descriptor);
    return read(size, (bytes) => {
      const buffer = Buffer.allocUnsafe(Math.min(bytes, size));
      const found = readSync(descriptor, buffer, 0, buffer.byteLength, size - buffer.byteLength);
      return buffer.subarray(0, found);
    });
  } finally {
    closeSync(descriptor);
  }
}
