import type { BigIntStats } from "node:fs";
import { type FileHandle, lstat, open, rename, rmdir, unlink, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
  alreadyExists,
  bodyCheck,
  type Key,
  openBody,
  type PutBody,
  type PutOptions,
  type PutResult,
  preconditionFailed,
  throwIfAborted,
} from "@parquetry/core/backend";
import { errnoOf } from "./local-error.ts";
import { localEtag } from "./local-etag.ts";
import { temporaryName } from "./local-names.ts";
import { invalid } from "./local-path.ts";
import { makeFolders } from "./make-folders.ts";
import { withPathLock } from "./path-lock.ts";

/** How often a folder is created again after a concurrent delete removed it. */
const MKDIR_TRIES = 20;

/**
 * Writes a whole file or nothing: writes and syncs a temporary file in the same folder, takes the file's lock, checks the
 * preconditions, renames the temporary file and syncs the folder.
 *
 * @param write writes the content to the temporary file; if it fails, nothing is stored.
 * @param onOldFolder is called with the folder if it existed before.
 */
export async function atomicWrite(
  root: string,
  path: string,
  key: Key,
  options: Pick<PutOptions, "ifMatch" | "ifNoneMatch" | "signal">,
  write: (handle: FileHandle) => Promise<void>,
  onOldFolder: (folder: string) => Promise<void>,
): Promise<PutResult> {
  const folder = dirname(path);
  const temporary = join(folder, temporaryName());
  const { handle, created } = await openTemporary(root, folder, temporary, key);
  try {
    try {
      if (created === undefined) await onOldFolder(folder);
      await write(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const stats = await withPathLock(folder, basename(path), async () => {
      throwIfAborted(options.signal, "put", key, "local");
      const before = await statFile(path, key);
      checkPreconditions(key, before, options);
      await moveBehind(temporary, before);
      await rename(temporary, path);
      return lstat(path, { bigint: true });
    });
    await syncFolders(root, folder, created);
    return { etag: localEtag(stats), sizeBytes: Number(stats.size) };
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

/** Deletes a file under its lock, and the folders that this leaves empty. Succeeds if there is no such file. */
export async function atomicDelete(root: string, path: string): Promise<void> {
  const folder = dirname(path);
  try {
    await withPathLock(folder, basename(path), () => unlink(path));
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return;
    throw error;
  }
  for (let empty = folder; empty !== root; empty = dirname(empty)) {
    try {
      await rmdir(empty);
    } catch {
      return;
    }
  }
}

async function openTemporary(
  root: string,
  folder: string,
  temporary: string,
  key: Key,
): Promise<{ readonly handle: FileHandle; readonly created: string | undefined }> {
  for (let tries = 1; ; tries++) {
    try {
      const created = await makeFolders(root, folder);
      return { handle: await open(temporary, "wx+"), created };
    } catch (error) {
      if (errnoOf(error) === "ENOTDIR" || errnoOf(error) === "EEXIST") {
        throw invalid("put", key, "part of its path is a file. Choose another key, or remove that file");
      }
      // A concurrent delete removed the folder between the two calls.
      if (errnoOf(error) !== "ENOENT" || tries === MKDIR_TRIES) throw error;
    }
  }
}

/** Writes a body to an open file, and compares it with its announced hashes. */
export async function writeBody(
  handle: FileHandle,
  key: Key,
  body: PutBody,
  options: PutOptions,
): Promise<void> {
  const check = bodyCheck("local", key, options);
  for await (const chunk of openBody(body)) {
    throwIfAborted(options.signal, "put", key, "local");
    check.update(chunk);
    for (let written = 0; written < chunk.byteLength; ) {
      written += (await handle.write(chunk, written)).bytesWritten;
    }
  }
  check.finish();
}

async function statFile(path: string, key: Key): Promise<BigIntStats | undefined> {
  try {
    const stats = await lstat(path, { bigint: true });
    if (stats.isFile()) return stats;
    throw invalid(
      "put",
      key,
      stats.isDirectory()
        ? "it is a folder. Choose another key"
        : "it is not a regular file. Remove it first",
    );
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

function checkPreconditions(
  key: Key,
  before: BigIntStats | undefined,
  options: Pick<PutOptions, "ifMatch" | "ifNoneMatch">,
): void {
  if (options.ifNoneMatch !== undefined && before !== undefined) throw alreadyExists("local", "put", key);
  const etag = before === undefined ? undefined : localEtag(before);
  if (options.ifMatch !== undefined && etag !== options.ifMatch) {
    throw preconditionFailed("local", "put", key, options.ifMatch, etag);
  }
}

/**
 * Gives a file a later mtime than that of the file it replaces. File systems have ticks of some milliseconds and reuse inodes,
 * so two versions of the same size could have the same ETag otherwise.
 */
async function moveBehind(temporary: string, before: BigIntStats | undefined): Promise<void> {
  if (before === undefined) return;
  const { mtimeNs, atimeNs } = await lstat(temporary, { bigint: true });
  if (mtimeNs > before.mtimeNs) return;
  const seconds = (ns: bigint): number => Number(ns / 1000n) / 1e6;
  await utimes(temporary, seconds(atimeNs), seconds(before.mtimeNs) + 2e-6);
}

/** Makes the new name durable, and the folders that were created for it. */
async function syncFolders(root: string, folder: string, created: string | undefined): Promise<void> {
  const last = created === undefined ? folder : dirname(created);
  for (let current = folder; ; current = dirname(current)) {
    await syncFolder(current);
    if (current === last || current === root) return;
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Windows cannot open folders, and its file systems journal names themselves.
  if (process.platform === "win32") return;
  let handle: FileHandle;
  try {
    handle = await open(folder, "r");
  } catch (error) {
    // A concurrent delete emptied and removed it, so there is nothing to sync.
    if (errnoOf(error) === "ENOENT") return;
    throw error;
  }
  try {
    await handle.sync();
  } catch (error) {
    // Some network and FUSE file systems cannot sync a folder.
    if (!["EINVAL", "ENOTSUP", "EISDIR", "EBADF"].includes(errnoOf(error) ?? "")) throw error;
  } finally {
    await handle.close();
  }
}
