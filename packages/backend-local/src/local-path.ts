import { realpath } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { type Key, parseKey, StorageError } from "@parquetry/core/backend";
import { errnoOf } from "./local-error.ts";
import { whyNotAName } from "./local-names.ts";

/**
 * Returns the path of a key's file below `root`.
 *
 * @throws StorageError `invalid_path` if it is not a key, whatever its type says, or cannot be a file name here.
 */
export function localPath(root: string, key: Key, op: string): string {
  for (const segment of parseKey(key, op).split("/")) {
    const reason = whyNotAName(segment);
    if (reason !== undefined) {
      throw invalid(
        op,
        key,
        `${JSON.stringify(segment)} cannot be a file name: ${reason}. Choose another name`,
      );
    }
  }
  return join(root, ...key.split("/"));
}

/**
 * Refuses a path that contains a symbolic link, or that the file system spells differently, since a key must name exactly one
 * place. `root` is a real path.
 *
 * @throws StorageError `invalid_path` with the real path of the folder.
 */
export async function checkFolder(root: string, path: string, key: Key, op: string): Promise<void> {
  let folder = dirname(path);
  for (;;) {
    try {
      const real = await realpath(folder);
      if (real.normalize("NFC") === folder.normalize("NFC")) return;
      const inside = real === root || real.startsWith(root + sep);
      throw invalid(
        op,
        key,
        inside && real.toLowerCase() === folder.toLowerCase()
          ? `for the file system, ${folder} and ${real} are the same folder. Use its spelling`
          : `${folder} is a symbolic link to ${real}, and links are not followed. Use the folder itself, or make it the data root`,
      );
    } catch (error) {
      // A missing folder contains no link, but a folder above it may be one.
      if (errnoOf(error) !== "ENOENT" || folder === root) throw error;
      folder = dirname(folder);
    }
  }
}

/** Returns the error of a key that cannot be a file here. */
export function invalid(op: string, key: Key, problem: string): StorageError {
  return new StorageError({
    code: "invalid_path",
    op,
    path: key,
    backend: "local",
    message: `${op} ${key}: ${problem}.`,
  });
}
