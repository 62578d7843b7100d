import { type BigIntStats, closeSync, fstatSync, openSync, readSync } from "node:fs";
import { isPathOf, OPEN_FLAGS } from "./open-file.ts";

/** Files up to this size are read in one go, in bytes. */
export const SMALL_FILE_BYTES: number = 1024 * 1024;

/** A file that was read whole, as one version. */
export interface SmallFile {
  readonly stats: BigIntStats;
  readonly bytes: Uint8Array;
}

/**
 * Reads a small file whole, on this thread. Undefined where that is not all there is to it: a larger file, a link on the way,
 * a writer at work, a failure. Who asks then takes the long way, which can tell what it is.
 */
export function readSmallFile(path: string): SmallFile | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, OPEN_FLAGS);
    if (!isPathOf(descriptor, path)) return undefined;
    const stats = fstatSync(descriptor, { bigint: true });
    if (!stats.isFile() || stats.size > SMALL_FILE_BYTES) return undefined;
    const bytes = Buffer.allocUnsafeSlow(Number(stats.size));
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
