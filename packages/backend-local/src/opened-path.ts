import { constants, readlinkSync, realpathSync } from "node:fs";
import { dirname } from "node:path";

/** Follows no link and does not wait for a named pipe, if the system supports these flags. */
export const OPEN_FLAGS: number =
  constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Whether a file that was opened with {@link OPEN_FLAGS} is the one its path names, without a link in the path. False if one
 * call cannot decide that.
 *
 * Linux reports in `/proc/self/fd` which file was opened, so no folder can be exchanged in between. On other systems the real
 * path of the folder is compared; the file itself was opened without following a link.
 */
export function isPathOf(descriptor: number, path: string): boolean {
  try {
    if (process.platform === "linux") return readlinkSync(`/proc/self/fd/${descriptor}`) === path;
    const folder = dirname(path);
    return constants.O_NOFOLLOW !== undefined && realpathSync.native(folder) === folder;
  } catch {
    // There is no /proc, or the folder is gone.
    return false;
  }
}
