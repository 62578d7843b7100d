import { type BigIntStats, constants, fstatSync } from "node:fs";
import { type FileHandle, lstat, open } from "node:fs/promises";
import { type Key, StorageError } from "@parquetry/core/backend";
import { checkFolder } from "./local-path.ts";
import { isPathOf, OPEN_FLAGS } from "./opened-path.ts";

/**
 * Opens the file of a key for reading, and makes sure that it is a regular file and that no link leads to it.
 *
 * If {@link isPathOf} cannot confirm this with one call, the folders are checked one by one.
 *
 * @throws StorageError `invalid_path` for links and devices, `not_found` for a folder. Errors of the file system are thrown as
 * they are.
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
    // The check explains the failure better than the system's error code.
    await checkPath(root, path, key, op);
    throw error;
  }
  try {
    if (!isPathOf(handle.fd, path)) await checkFolder(root, path, key, op);
    // `fstatSync` on an open descriptor does not block, so no other thread is needed.
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
 * Refuses everything but files: folders, links and devices are not objects.
 *
 * @throws StorageError `not_found` for a folder, `invalid_path` for anything else.
 */
export function fileOnly(stats: BigIntStats, key: Key, path: string): BigIntStats {
  if (stats.isFile()) return stats;
  const what = stats.isDirectory()
    ? "is a folder"
    : stats.isSymbolicLink()
      ? "is a symbolic link, which is not followed"
      : "is not a regular file";
  throw new StorageError({
    code: stats.isDirectory() ? "not_found" : "invalid_path",
    op: "get",
    path: key,
    backend: "local",
    message: `${path} ${what}.`,
  });
}
