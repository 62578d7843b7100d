import type { BigIntStats } from "node:fs";

/**
 * Returns the ETag of a file: inode, size, mtime and ctime in nanoseconds. A replaced file has another inode and a later mtime.
 * An edit that keeps the size and sets back the mtime still changes the ctime, where the file system has one. An edit that moves
 * no time stamp is not seen: see `isAtRest`.
 */
export function localEtag({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [ino, size, mtimeNs, ctimeNs].map((part) => part.toString(36)).join("-");
}

/** Whether two files have the same ETag. */
export function isSameVersion(a: BigIntStats, b: BigIntStats): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs;
}
