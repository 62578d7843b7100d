import { type BigIntStats, closeSync, fstatSync, openSync, readSync } from "node:fs";
import { isPathOf, OPEN_FLAGS } from "./opened-path.ts";

/** Files up to this size are read in one go where this thread has other work as well, in bytes. */
export const SMALL_FILE_BYTES: number = 1024 * 1024;

/** Reading a small file is worth this many calls: opening it, its facts, its bytes. */
export const READ_CALLS = 4;

/** A file that was read whole, as one version. */
export interface SmallFile {
  readonly stats: BigIntStats;
  readonly bytes: Uint8Array;
}

/**
 * Reads a small file whole, on this thread. Undefined where that is not all there is to it: no memory was given for its size,
 * a link on the way, a writer at work, a failure. Who asks then takes the long way, which can tell what it is.
 *
 * @param memory gives the memory to read into, exactly as large as the file, or undefined where it is not to be read here.
 */
export function readSmallFile(
  path: string,
  memory: (stats: BigIntStats) => Uint8Array | undefined = ownMemory,
): SmallFile | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, OPEN_FLAGS);
    if (!isPathOf(descriptor, path)) return undefined;
    const stats = fstatSync(descriptor, { bigint: true });
    const bytes = stats.isFile() ? memory(stats) : undefined;
    if (bytes === undefined) return undefined;
    for (let position = 0; position < bytes.byteLength; ) {
      const read = readSync(descriptor, bytes, position, bytes.byteLength - position, position);
      if (read === 0) return undefined;
      position += read;
    }
    const now = fstatSync(descriptor, { bigint: true });
    return now.size === stats.size && now.mtimeNs === stats.mtimeNs ? { stats, bytes } : undefined;
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function ownMemory({ size }: BigIntStats): Uint8Array | undefined {
  return size > SMALL_FILE_BYTES ? undefined : Buffer.allocUnsafeSlow(Number(size));
}
