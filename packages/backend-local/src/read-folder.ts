import { type BigIntStats, type Dirent, lstatSync, readdirSync } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { sep } from "node:path";
import { compareKeys, type Key, type ObjectInfo } from "@parquetry/core/backend";
import { explainInvalidKey, type SkippedEntry } from "@parquetry/core/unstable";
import { errnoOf } from "./local-error.ts";
import { localEtag } from "./local-etag.ts";
import { OWN_NAME_PREFIX } from "./local-names.ts";

/** The content of a folder. */
export interface FolderListing {
  /** The names that can be listed, in the order of a listing. The name of a folder ends with `/`. */
  readonly names: readonly string[];
  /** Whether it holds temporary files or locks, of any process. */
  readonly hasOwnNames: boolean;
  /** The entries that cannot be listed. */
  readonly skipped: readonly SkippedEntry[];
}

/** The facts of a file. Undefined for a folder, and for a file that no longer exists. */
export type Facts = ObjectInfo | undefined;

/** Reads a folder on this thread. A missing folder is empty. `prefix` is its key with a trailing `/`, or `""` for the root. */
export function readFolderSync(path: string, prefix: string): FolderListing {
  return sortNames(unlessGone(() => readdirSync(path, { withFileTypes: true })) ?? [], path, prefix);
}

/** As {@link readFolderSync}, on the thread pool. */
export async function readFolder(path: string, prefix: string): Promise<FolderListing> {
  return sortNames((await readdir(path, { withFileTypes: true }).catch(noneIfGone)) ?? [], path, prefix);
}

/** Reads the facts of files of a folder on this thread. */
export function statFilesSync(path: string, prefix: string, names: readonly string[]): Facts[] {
  return names.map((name) => {
    if (name.endsWith("/")) return undefined;
    const stats = unlessGone(() => lstatSync(path + sep + name, { bigint: true, throwIfNoEntry: false }));
    return stats && factsOf(prefix + name, stats);
  });
}

/** As {@link statFilesSync}, on the thread pool. */
export function statFiles(path: string, prefix: string, names: readonly string[]): Promise<Facts[]> {
  return Promise.all(
    names.map(async (name) => {
      if (name.endsWith("/")) return undefined;
      const stats = await lstat(path + sep + name, { bigint: true }).catch(noneIfGone);
      return stats && factsOf(prefix + name, stats);
    }),
  );
}

function factsOf(key: string, stats: BigIntStats): Facts {
  // The file was replaced by a folder in the meantime.
  if (!stats.isFile()) return undefined;
  // Checked by sortNames.
  return {
    key: key as Key,
    sizeBytes: Number(stats.size),
    etag: localEtag(stats),
    lastModified: stats.mtime,
  };
}

function sortNames(entries: readonly Dirent[], path: string, prefix: string): FolderListing {
  const names: string[] = [];
  const skipped: SkippedEntry[] = [];
  let hasOwnNames = false;
  for (const entry of entries) {
    const { name } = entry;
    if (name.startsWith(OWN_NAME_PREFIX)) {
      hasOwnNames = true;
      continue;
    }
    const why = whySkipped(entry, path, prefix + name);
    if (why === undefined) names.push(entry.isDirectory() ? `${name}/` : name);
    else skipped.push({ path: prefix + name, ...why });
  }
  // Without surrogates, JavaScript's order of strings is that of UTF-8, and sorting by it is many times faster.
  if (names.some((name) => /[\ud800-\udfff]/.test(name))) names.sort(compareKeys);
  else names.sort();
  return { names, hasOwnNames, skipped };
}

function whySkipped(entry: Dirent, folder: string, path: string): Omit<SkippedEntry, "path"> | undefined {
  if (entry.isSymbolicLink()) return { reason: "symlink", detail: "a symbolic link, which is not followed" };
  if (!entry.isFile() && !entry.isDirectory()) return { reason: "special", detail: "not a regular file" };
  // Node puts U+FFFD in place of bytes that are not UTF-8, and such a name does not exist. A name can also have that character.
  if (entry.name.includes("\uFFFD") && unlessGone(() => lstatSync(folder + sep + entry.name)) === undefined)
    return { reason: "not_a_key", detail: "its name is not UTF-8" };
  const reason = explainInvalidKey(path);
  return reason === undefined ? undefined : { reason: "not_a_key", detail: reason };
}

/** Ignores that a file or a folder has vanished. */
function noneIfGone(error: unknown): undefined {
  const errno = errnoOf(error);
  if (errno !== "ENOENT" && errno !== "ENOTDIR") throw error;
}

function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    return noneIfGone(error);
  }
}
