import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { StorageError } from "@parquetry/core/backend";
import { errnoOf, localError } from "./local-error.ts";

/** The folder that a backend was opened on, as opposed to another folder that is later at the same path. */
export interface DataRoot {
  /** Its real path. */
  readonly path: string;
  /** Whether it still exists. An unplugged drive leaves nothing at its path, or the empty folder that it was mounted on. */
  isThere(): Promise<boolean>;
  /** Checks that it still exists. @throws StorageError `unavailable` */
  check(op: string, key: string): Promise<void>;
  /** Returns the error of a root that no longer exists. */
  gone(op: string, key: string, cause?: unknown): StorageError;
}

/**
 * Opens a data root.
 *
 * @throws StorageError `invalid_argument` if it is missing or not a folder.
 */
export async function openDataRoot(given: string): Promise<DataRoot> {
  const { path, dev, ino } = await findFolder(given);
  const isThere = async (): Promise<boolean> => {
    try {
      const now = await stat(path, { bigint: true });
      return now.isDirectory() && now.ino === ino && now.dev === dev;
    } catch {
      return false;
    }
  };
  const gone = (op: string, key: string, cause?: unknown): StorageError =>
    new StorageError({
      code: "unavailable",
      op,
      path: key,
      backend: "local",
      retry: "never",
      message: `${op} ${key || path}: the data root ${path} is gone, or another folder is in its place. Is the drive connected? Open the storage again when it is.`,
      cause,
    });
  return {
    path,
    isThere,
    gone,
    async check(op, key) {
      if (!(await isThere())) throw gone(op, key);
    },
  };
}

async function findFolder(
  given: string,
): Promise<{ readonly path: string; readonly dev: bigint; readonly ino: bigint }> {
  // Callers without types may leave it out.
  const root = resolve(given ?? "");
  const refuse = (problem: string, cause?: unknown): StorageError =>
    new StorageError({
      code: "invalid_argument",
      op: "open",
      path: root,
      backend: "local",
      message: `The data root ${root} ${problem}. Pass an existing folder.`,
      cause,
    });
  if (!given) throw refuse("is empty");
  try {
    const path = await realpath(root);
    const found = await stat(path, { bigint: true });
    if (found.isDirectory()) return { path, dev: found.dev, ino: found.ino };
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") throw refuse("does not exist", error);
    throw localError(error, "open", root, root);
  }
  throw refuse("is a file, not a folder");
}
