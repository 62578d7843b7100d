import type { BigIntStats } from "node:fs";

/**
 * The ETag of a file: inode, size, and the nanosecond times of its last change of content and of anything. A replaced
 * file has another inode and a later time; a same-size edit with its time set back still moves the ctime.
 */
export function localEtag({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [ino, size, mtimeNs, ctimeNs].map((part) => part.toString(36)).join("-");
}
