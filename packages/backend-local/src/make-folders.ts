import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "./local-error.ts";

/**
 * Creates the missing folders of a path below `root`, but never `root` itself: if a drive was unplugged, a new folder in its
 * place would receive files that belong on the drive.
 *
 * @returns the topmost folder that was created, or undefined if none was missing.
 */
export async function makeFolders(root: string, folder: string): Promise<string | undefined> {
  const missing: string[] = [];
  let created: string | undefined;
  for (let current = folder; current !== root; ) {
    try {
      await mkdir(current);
      created ??= current;
    } catch (error) {
      // It may be a file, in which case opening a file in it fails.
      if (errnoOf(error) !== "EEXIST") {
        if (errnoOf(error) !== "ENOENT" || dirname(current) === root) throw error;
        missing.push(current);
        current = dirname(current);
        continue;
      }
    }
    const below = missing.pop();
    if (below === undefined) break;
    current = below;
  }
  return created;
}
