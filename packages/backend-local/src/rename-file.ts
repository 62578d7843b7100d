import { rename, unlink } from "node:fs/promises";
import { errnoOf } from "./local-error.ts";

/**
 * Renames a file, then deletes others of its folder. It takes no locks and syncs nothing, which would take ten times as long: a
 * plain reader finds both the new file and the old ones in the meantime, and so does everybody if the process is killed.
 */
export async function renameFile(from: string, to: string, removing: readonly string[]): Promise<void> {
  await rename(from, to);
  let failure: unknown;
  for (const path of removing) {
    try {
      await unlink(path);
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") failure ??= error;
    }
  }
  if (failure !== undefined) throw failure;
}
