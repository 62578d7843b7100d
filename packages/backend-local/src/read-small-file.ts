import { type BigIntStats, closeSync, fstatSync, openSync, readSync } from "node:fs";
import { isSameVersion } from "./local-etag.ts";
import { isPathOf, OPEN_FLAGS } from "./opened-path.ts";

/** The largest file that is read at once on a thread with other work, in bytes. */
export const SMALL_FILE_BYTES: number = 1024 * 1024;

/** The number of calls that reading a small file takes. */
export const READ_CALLS = 4;

/** The content of one version of a file, or a range of it. */
export interface SmallFile {
  readonly stats: BigIntStats;
  readonly bytes: Uint8Array;
}

/**
 * Reads a whole small file, or a range of a file, on this thread.
 *
 * @param memory returns the memory to read into, of exactly the size of the file or the range, or undefined if the file is not to
 * be read.
 * @param start the first byte to read.
 * @returns undefined if `memory` does, if a link is in the path, if the file is being written, or on a failure. The caller then
 * falls back to the asynchronous way, which reports the exact cause.
 */
export function readSmallFile(
  path: string,
  memory: (stats: BigIntStats) => Uint8Array | undefined = ownMemory,
  start = 0,
): SmallFile | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, OPEN_FLAGS);
    if (!isPathOf(descriptor, path)) return undefined;
    const stats = fstatSync(descriptor, { bigint: true });
    const bytes = stats.isFile() ? memory(stats) : undefined;
    if (bytes === undefined) return undefined;
    for (let position = 0; position < bytes.byteLength; ) {
      const read = readSync(descriptor, bytes, position, bytes.byteLength - position, start + position);
      if (read === 0) return undefined;
      position += read;
    }
    const now = fstatSync(descriptor, { bigint: true });
    return isSameVersion(now, stats) ? { stats, bytes } : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function ownMemory({ size }: BigIntStats): Uint8Array | undefined {
  return size > SMALL_FILE_BYTES ? undefined : Buffer.allocUnsafeSlow(Number(size));
}
