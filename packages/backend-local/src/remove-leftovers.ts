import type { Dirent } from "node:fs";
import { readdir, realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type OperationOptions, type StorageError, throwIfAborted } from "@parquetry/core/backend";
import { checkOptions, invalid, type OptionKinds } from "@parquetry/core/unstable";
import { type Leftover, leftoverAt, removeLeftover } from "./leftovers.ts";
import { errnoOf, localError } from "./local-error.ts";
import { OWN_NAME_PREFIX } from "./local-names.ts";

/** Options of {@link removeLeftovers}. */
export interface RemoveLeftoversOptions extends OperationOptions {
  /** The folder that holds the data. */
  readonly root: string;
  /** Only report what would be removed. Default false. */
  readonly dryRun?: boolean | undefined;
}

const LEFTOVER_OPTIONS: OptionKinds<RemoveLeftoversOptions> = {
  root: "string",
  dryRun: "boolean",
  signal: "signal",
};

/**
 * Removes what killed processes left below a data root: temporary files of unfinished puts, and locks. They appear in no listing
 * and block nothing, but take space. The name of each tells its owner: a file whose owner runs is kept, and one of another
 * machine until nobody has written to it for a day.
 *
 * @returns the paths that were removed and their sizes, sorted by path.
 * @throws StorageError such as `permission_denied`, the first of several, after the rest was removed.
 * @example
 * ```ts
 * const removed = await removeLeftovers({ root: "./data", dryRun: true });
 * const bytes = removed.reduce((sum, leftover) => sum + leftover.bytes, 0);
 * ```
 */
export async function removeLeftovers(options: RemoveLeftoversOptions): Promise<readonly Leftover[]> {
  checkOptions(options, LEFTOVER_OPTIONS, "removeLeftovers");
  const { dryRun = false, signal } = options;
  if (!options.root) throw invalid("removeLeftovers", "root is missing");
  const removed: Leftover[] = [];
  const failures: StorageError[] = [];
  const attempt = async (path: string, run: () => Promise<void>): Promise<void> => {
    throwIfAborted(signal, "removeLeftovers", options.root, "local");
    try {
      await run();
    } catch (error) {
      const failure = localError(error, "removeLeftovers", path, path);
      if (failure.code === "aborted") throw failure;
      failures.push(failure);
    }
  };
  const walk = (folder: string): Promise<void> =>
    attempt(folder, async () => {
      for (const entry of await entriesOf(folder)) {
        const path = join(folder, entry.name);
        if (entry.name.startsWith(OWN_NAME_PREFIX)) {
          await attempt(path, async () => {
            const leftover = await leftoverAt(folder, entry);
            if (leftover === undefined) return;
            if (!dryRun) await removeLeftover(folder, entry);
            removed.push(leftover);
          });
        } else if (entry.isDirectory()) await walk(path);
      }
    });
  const root = await realpath(resolve(options.root)).catch((error: unknown) => {
    throw localError(error, "removeLeftovers", options.root, options.root);
  });
  await walk(root);
  const [failure] = failures;
  if (failure !== undefined) throw failure;
  return removed.sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    // It was removed in the meantime.
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
