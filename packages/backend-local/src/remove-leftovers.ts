import type { Dirent } from "node:fs";
import { readdir, realpath, rm, rmdir, stat, unlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { checkOptions, invalid, type OptionKinds } from "@parquetry/core/unstable";
import { errnoOf, localError } from "./local-error.ts";
import { OWN_NAME_PREFIX } from "./local-names.ts";
import { isHolderAlive } from "./path-lock.ts";

/** The age from which a temporary file counts as left behind, in milliseconds: an hour. */
export const LEFTOVER_AGE_MS = 3_600_000;

/** Options of {@link removeLeftovers}. */
export interface RemoveLeftoversOptions {
  /** The folder that holds the data. */
  readonly root: string;
  /** Only report what would be removed. Default false. */
  readonly dryRun?: boolean | undefined;
  /** The time since the last write to a temporary file from which it is removed, in milliseconds. Default {@link LEFTOVER_AGE_MS}. */
  readonly minAgeMs?: number | undefined;
}

const LEFTOVER_OPTIONS: OptionKinds<RemoveLeftoversOptions> = {
  root: "string",
  dryRun: "boolean",
  minAgeMs: "whole",
};

/**
 * Removes what killed processes left below a data root: temporary files of unfinished puts, and locks of dead processes. They
 * appear in no listing and block nothing, but take space.
 *
 * @returns the paths that were removed, sorted.
 * @throws StorageError as the backend does, such as `permission_denied`.
 * @example
 * ```ts
 * const removed = await removeLeftovers({ root: "./data", dryRun: true });
 * ```
 */
export async function removeLeftovers(options: RemoveLeftoversOptions): Promise<readonly string[]> {
  checkOptions(options, LEFTOVER_OPTIONS, "removeLeftovers");
  const { dryRun = false, minAgeMs = LEFTOVER_AGE_MS } = options;
  if (!options.root) throw invalid("removeLeftovers", "root is missing");
  const removed: string[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (!entry.name.startsWith(OWN_NAME_PREFIX)) {
        if (entry.isDirectory()) await walk(path);
      } else if (await isLeftover(entry, path, minAgeMs)) {
        if (!dryRun) await remove(entry, path);
        removed.push(path);
      }
    }
  };
  try {
    await walk(await realpath(resolve(options.root)));
  } catch (error) {
    throw localError(error, "removeLeftovers", options.root, options.root);
  }
  return removed.sort();
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    // A concurrent delete removed the folder.
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function isLeftover(entry: Dirent, path: string, minAgeMs: number): Promise<boolean> {
  try {
    if (entry.isFile()) return Date.now() - (await stat(path)).mtimeMs >= minAgeMs;
    if (!entry.isDirectory()) return false;
    // A lock contains its holder's token, and so does a folder that was to become a lock.
    const [token] = await readdir(path);
    if (token !== undefined) return !(await isHolderAlive(token, join(path, token)));
    return Date.now() - (await stat(path)).mtimeMs >= minAgeMs;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Breaks a lock by deleting its dead holder's token, as a waiting writer does. A lock that was taken since is kept. */
async function remove(entry: Dirent, path: string): Promise<void> {
  if (entry.isFile()) {
    await rm(path, { force: true });
    return;
  }
  for (const token of await readdir(path).catch(() => [])) {
    if (!(await isHolderAlive(token, join(path, token)))) await unlink(join(path, token)).catch(() => {});
  }
  await rmdir(path).catch(() => {});
}
