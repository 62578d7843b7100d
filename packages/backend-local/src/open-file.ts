import { type BigIntStats, constants, fstatSync } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { type Key, StorageError } from "@parquetry/core/backend";
import { checkFolder } from "./local-path.ts";
import { isPathOf, OPEN_FLAGS } from "./opened-path.ts";

/**
 * Opens the file of a key for reading, and makes sure that it is what its path names: no link, no device, in no folder
 * that a link leads to.
 *
 * Where one call tells that ({@link isPathOf}), that is all; elsewhere, and where it says no, the folders are looked at one
 * by one.
 *
 * @throws StorageError `invalid_path` for links and devices, `not_found` for a folder; the file system's own errors.
 */
export async function openFile(
  root: string,
  path: string,
  key: Key,
  op: string,
): Promise<{ readonly handle: FileHandle; readonly stats: BigIntStats }> {
  if (constants.O_NOFOLLOW === undefined) await checkPath(root, path, key, op);
  let handle: FileHandle;
  try {
    handle = await open(path, OPEN_FLAGS);
  } catch (error) {
    // What is in the way is told better than by the system's code.
    await checkPath(root, path, key, op);
    throw error;
  }
  try {
    if (!isPathOf(handle.fd, path)) await checkFolder(root, path, key, op);
    // Of an open file, without a trip to another thread: the system has the answer.
    return { handle, stats: fileOnly(fstatSync(handle.fd, { bigint: true }), key, path) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function checkPath(root: string, path: string, key: Key, op: string): Promise<void> {
  await checkFolder(root, path, key, op);
  fileOnly(await lstat(path, { bigint: true }), key, path);
}

/**
 * Lets files pass: folders, links and devices are no objects.
 *
 * @throws StorageError `not_found` for a folder, `invalid_path` for anything else.
 */
export function fileOnly(stats: BigIntStats, key: Key, path: string): BigIntStats {
  if (stats.isFile()) return stats;
  const what = stats.isDirectory()
    ? "is a folder"
    : stats.isSymbolicLink()
      ? "is a symbolic link, which is not followed"
      : "is no regular file";
  throw new StorageError({
    code: stats.isDirectory() ? "not_found" : "invalid_path",
    op: "get",
    path: key,
    backend: "local",
    message: `${path} ${what}.`,
  });
}
