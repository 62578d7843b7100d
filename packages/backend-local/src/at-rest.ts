import { statfsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * How long a file must have been left alone before its ETag is certain to change with the next edit, in milliseconds. A store
 * through a shared memory mapping moves the times of a file only when it dirties a page that is clean, and Linux writes dirty
 * pages back after about 35 s (`dirty_expire_centisecs`, `dirty_writeback_centisecs`), later on a slow and busy disk. It is also
 * far longer than the tick of any clock, so an edit in the same tick does not go unnoticed.
 */
export const REST_MS: number = 10 * 60_000;

/** The Linux file systems in memory, tmpfs and ramfs: they never write a page back, so a store through a mapping moves no time. */
const MEMORY_TYPES: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** For how long the file system of a folder is remembered, in milliseconds: files are asked about folder by folder. */
const REMEMBERED_MS = 1000;

/**
 * Tells whether a later edit of a file changes the ETag that it had at `since` (milliseconds since 1970). Exceptions, which nothing
 * here can recognise: on FAT and exFAT, which have no change time, an edit that sets back the mtime; on NFS, SMB and FUSE, an edit on
 * another machine until its times arrive; on macOS and Windows, an edit through a mapping until the system writes the page back.
 */
export function atRestCheck(): (path: string, etag: string, since: number) => Promise<boolean> {
  let last: { folder: string; until: number; isOnDisk: Promise<boolean> } | undefined;
  return async (path, etag, since) => {
    if (!isRested(etag, since)) return false;
    if (process.platform !== "linux") return true;
    const folder = dirname(path);
    const now = performance.now();
    if (last?.folder !== folder || last.until < now)
      last = { folder, until: now + REMEMBERED_MS, isOnDisk: isOnDisk(folder) };
    return last.isOnDisk;
  };
}

/** Whether the file of an ETag was left alone for {@link REST_MS} at `since`; false if its file system has no change time. */
export function isRested(etag: string, since: number): boolean {
  const changed = changedMs(etag);
  return changed !== undefined && since - changed >= REST_MS;
}

/** Whether a folder is on a file system that records every change, as far as can be recognised. For a thread with time to wait. */
export function isOnDiskSync(folder: string): boolean {
  if (process.platform !== "linux") return true;
  try {
    return !MEMORY_TYPES.has(statfsSync(folder).type);
  } catch {
    return false;
  }
}

async function isOnDisk(folder: string): Promise<boolean> {
  try {
    return !MEMORY_TYPES.has((await statfs(folder)).type);
  } catch {
    return false;
  }
}

/** Returns the change time in an ETag of a local file; undefined if the file system has none. */
function changedMs(etag: string): number | undefined {
  // A negative time, before 1970, is that of a file system without change times.
  const [digits] = /(?<=[^-]-)[0-9a-z]+$/.exec(etag) ?? [];
  const ms = Number.parseInt(digits ?? "", 36) / 1e6;
  return ms > 0 ? ms : undefined;
}
