import type { Dirent } from "node:fs";
import { lstat, readdir, rmdir, unlink } from "node:fs/promises";
import { join } from "node:path";
import { isAbandoned } from "@parquetry/core/unstable";
import { errnoOf } from "./local-error.ts";
import { isLockName, isTemporaryName, isToken, OWN_NAME_PREFIX } from "./local-names.ts";

/** Folders that a backend remembers, so that it reads each only when there is a reason. */
const MAX_REMEMBERED = 100_000;

/** A file or a folder that a killed process left. */
export interface Leftover {
  /** Its path. */
  readonly path: string;
  /** Its size in bytes; 0 for a lock. */
  readonly bytes: number;
}

/**
 * Returns what `entry` of `folder` is if a killed process left it: a temporary file, or a lock. Anything else is kept, whatever
 * its name: symbolic links, folders with the name of a temporary file, names of other programs.
 */
export async function leftoverAt(folder: string, entry: Dirent): Promise<Leftover | undefined> {
  const { name } = entry;
  const path = join(folder, name);
  try {
    if (entry.isFile() && isTemporaryName(name)) {
      const { mtimeMs, size } = await lstat(path);
      return isAbandoned(name, mtimeMs) ? { path, bytes: size } : undefined;
    }
    if (!entry.isDirectory() || !isLockName(name)) return undefined;
    const tokens = await readdir(path);
    // An empty lock is held by nobody, but a folder that is to become one is empty until its owner has written its token.
    const isEmptyOfOwner = tokens.length === 0 && isToken(name.slice(OWN_NAME_PREFIX.length));
    const isDead = isEmptyOfOwner
      ? isAbandoned(name, (await lstat(path)).mtimeMs)
      : await areDead(path, tokens);
    return isDead ? { path, bytes: 0 } : undefined;
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

async function areDead(path: string, tokens: readonly string[]): Promise<boolean> {
  for (const token of tokens) {
    if (!isToken(token)) return false;
    if (!isAbandoned(token, (await lstat(join(path, token))).mtimeMs)) return false;
  }
  return true;
}

/**
 * Removes what {@link leftoverAt} found. A lock is broken by deleting its dead holder's token, as a waiting writer does, so one
 * that another process has taken since is kept.
 */
export async function removeLeftover(folder: string, entry: Dirent): Promise<void> {
  const path = join(folder, entry.name);
  if (entry.isFile()) {
    await unlink(path).catch(unlessGone);
    return;
  }
  for (const token of await readdir(path).catch((): string[] => [])) {
    const stats = await lstat(join(path, token)).catch(() => undefined);
    if (stats !== undefined && isToken(token) && isAbandoned(token, stats.mtimeMs))
      await unlink(join(path, token)).catch(unlessGone);
  }
  await rmdir(path).catch((error: unknown) => {
    if (!["ENOTEMPTY", "EEXIST"].includes(errnoOf(error) ?? "")) unlessGone(error);
  });
}

/** Removes what killed processes left in one folder, not below it. */
export async function sweepFolder(folder: string): Promise<readonly Leftover[]> {
  const removed: Leftover[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (!entry.name.startsWith(OWN_NAME_PREFIX)) continue;
    const leftover = await leftoverAt(folder, entry);
    if (leftover === undefined) continue;
    await removeLeftover(folder, entry);
    removed.push(leftover);
  }
  return removed;
}

/** Sweeps each folder before the first put into it, and again where a listing has seen names of ours since. */
export class Sweeper {
  readonly #swept = new Set<string>();
  readonly #seen = new Set<string>();

  /** Notes that a listing has found temporary files or locks in a folder, which may be those of a running process. */
  note(folder: string): void {
    if (this.#seen.size < MAX_REMEMBERED) this.#seen.add(folder);
  }

  /** Sweeps a folder unless it was swept before and no listing has seen anything since. A failure is left to the put, or to the command that looks for leftovers. */
  async beforePut(folder: string): Promise<void> {
    const isNoted = this.#seen.delete(folder);
    if (this.#swept.has(folder) && !isNoted) return;
    if (this.#swept.size >= MAX_REMEMBERED) this.#swept.clear();
    this.#swept.add(folder);
    await sweepFolder(folder).catch(() => {});
  }

  /** Sweeps the folders that were noted. */
  async noted(): Promise<readonly Leftover[]> {
    const folders = [...this.#seen];
    this.#seen.clear();
    const removed: Leftover[] = [];
    for (const folder of folders)
      for (const leftover of await sweepFolder(folder).catch(() => [])) removed.push(leftover);
    return removed;
  }
}

function unlessGone(error: unknown): void {
  if (errnoOf(error) !== "ENOENT") throw error;
}
