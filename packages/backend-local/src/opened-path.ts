import { constants, readlinkSync, realpathSync } from "node:fs";
import { dirname } from "node:path";

/** Neither a link is followed nor a named pipe waited for, where the system knows these flags. */
export const OPEN_FLAGS: number =
  constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Whether an open file, opened with {@link OPEN_FLAGS}, is the one its path names, with no link on the way. False where that
 * cannot be told in one call.
 *
 * Linux tells by `/proc/self/fd` which file was opened, and nobody can exchange a folder in between. Other systems are asked
 * where the folder really is; the file itself was opened without following a link.
 */
export function isPathOf(descriptor: number, path: string): boolean {
  try {
    if (process.platform === "linux") return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    const folder = dirname(path);
    return constants.O_NOFOLLOW !== undefined && realpathSync.native(folder) === folder;
  } catch {
    // No /proc here, or the folder has gone.
    return false;
  }
}
