import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf } from "./local-error.ts";

/**
 * Makes the folders of a path that are missing below `root`, never `root` itself: where a drive has vanished, a folder in its
 * place would take files that belong on the drive.
 *
 * @returns the topmost folder that was made, or undefined where there was nothing to make.
 */
export async function makeFolders(root: string, folder: string): Promise<string | undefined> {
  const missing: string[] = [];
  let created: string | undefined;
  for (let current = folder; current !== root; ) {
    try {
      await mkdir(current);
      created ??= current;
    } catch (error) {
      // It may be a file; whoever opens something in it is told.
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
