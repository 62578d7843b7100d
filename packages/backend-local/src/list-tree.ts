import type { Dirent } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  compareKeys,
  type Key,
  type ListOptions,
  type ObjectInfo,
  type SkippedEntry,
  whyNotAKey,
} from "@parquetry/core";
import { mapOrdered } from "@parquetry/core/backend";
import { errnoOf } from "./local-error.ts";
import { localEtag } from "./local-etag.ts";
import { OWN_NAME_PREFIX } from "./local-names.ts";

/** Files looked at ahead of the reader. */
const STAT_CONCURRENCY = 64;

/** An object, or a folder that holds at least one. */
export type TreeEntry = { readonly object: ObjectInfo } | { readonly prefix: Key };

/**
 * Walks a folder in the byte order of whole keys: a folder stands where `name/` would, so that `a.b` comes before `a/b`.
 * Holds one folder of each level in memory, never the tree. What vanishes while it is walked is left out.
 */
export async function* listTree(
  folder: string,
  key: string,
  options: Pick<ListOptions, "delimiter" | "startAfter" | "onSkipped">,
): AsyncGenerator<TreeEntry> {
  const { delimiter, startAfter, onSkipped } = options;
  const prefix = key === "" ? "" : `${key}/`;
  const names = (await readFolder(folder, prefix, onSkipped)).filter(({ sortName }) => {
    if (startAfter === undefined) return true;
    const entry = prefix + sortName;
    // A folder that startAfter points into may hold more behind it.
    return (
      compareKeys(entry, startAfter) > 0 ||
      (delimiter === undefined && entry.endsWith("/") && startAfter.startsWith(entry))
    );
  });
  const entries = mapOrdered(names, STAT_CONCURRENCY, async ({ dirent, sortName }) => {
    const path = join(folder, dirent.name);
    // Checked by readFolder.
    const name = (prefix + dirent.name) as Key;
    if (sortName.endsWith("/")) return { folder: path, name, info: undefined };
    return { folder: undefined, name, info: await statObject(path, name) };
  });
  for await (const { folder: child, name, info } of entries) {
    if (info !== undefined) yield { object: info };
    else if (child === undefined) continue;
    else if (delimiter === undefined) yield* listTree(child, name, options);
    else if (await holdsObject(child)) yield { prefix: name };
  }
}

interface FolderEntry {
  readonly dirent: Dirent;
  /** Its name, with a `/` behind a folder's. */
  readonly sortName: string;
}

async function readFolder(
  folder: string,
  prefix: string,
  onSkipped: ((skipped: SkippedEntry) => void) | undefined,
): Promise<FolderEntry[]> {
  const entries: FolderEntry[] = [];
  for (const dirent of await readOrEmpty(folder)) {
    const { name } = dirent;
    if (name.startsWith(OWN_NAME_PREFIX)) continue;
    const skipped = whySkipped(dirent, prefix + name);
    if (skipped === undefined) entries.push({ dirent, sortName: dirent.isDirectory() ? `${name}/` : name });
    else onSkipped?.({ path: prefix + name, ...skipped });
  }
  return entries.sort((a, b) => compareKeys(a.sortName, b.sortName));
}

function whySkipped(dirent: Dirent, path: string): Omit<SkippedEntry, "path"> | undefined {
  if (dirent.isSymbolicLink()) return { reason: "symlink", detail: "a symbolic link, which is not followed" };
  if (!dirent.isFile() && !dirent.isDirectory()) return { reason: "special", detail: "no regular file" };
  if (dirent.name.includes("\uFFFD")) return { reason: "not_a_key", detail: "its name is not UTF-8" };
  const reason = whyNotAKey(path);
  return reason === undefined ? undefined : { reason: "not_a_key", detail: reason };
}

async function readOrEmpty(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
    throw error;
  }
}

/** The facts of a file, or undefined where it is gone. */
async function statObject(path: string, key: Key): Promise<ObjectInfo | undefined> {
  try {
    const stats = await lstat(path, { bigint: true });
    return { key, sizeBytes: Number(stats.size), etag: localEtag(stats), lastModified: stats.mtime };
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether a folder holds an object at any depth: S3 knows no empty folders, so nobody sees them here. */
async function holdsObject(folder: string): Promise<boolean> {
  const entries = await readFolder(folder, "", undefined);
  if (entries.some(({ dirent }) => dirent.isFile())) return true;
  for (const { dirent } of entries) if (await holdsObject(join(folder, dirent.name))) return true;
  return false;
}
