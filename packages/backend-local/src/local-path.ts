import { realpath } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { type Key, parseKey, StorageError } from "@parquetry/core/backend";
import { errnoOf } from "./local-error.ts";
import { whyNotAName } from "./local-names.ts";

/**
 * The file of a key below `root`.
 *
 * @throws StorageError `invalid_path` where the key is none, whatever its type says, or cannot be a file name here.
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
 * Refuses a path that a symbolic link leads elsewhere, or that the file system spells otherwise: keys name exactly one
 * place. `root` is a real path already.
 *
 * @throws StorageError `invalid_path` naming where the folder really is.
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
          ? `the file system takes ${folder} and ${real} for the same folder. Spell it as it is there`
          : `${folder} is a symbolic link to ${real}, and links are not followed. Use the folder itself, or make it the data root`,
      );
    } catch (error) {
      // A folder that is not there yet cannot lead astray, but one above it can.
      if (errnoOf(error) !== "ENOENT" || folder === root) throw error;
      folder = dirname(folder);
    }
  }
}

/** The error of a key that cannot be a file here. */
export function invalid(op: string, key: Key, problem: string): StorageError {
  return new StorageError({
    code: "invalid_path",
    op,
    path: key,
    backend: "local",
    message: `${op} ${key}: ${problem}.`,
  });
}
