import { setTimeout as pause } from "node:timers/promises";
import { isStorageError } from "@parquetry/core";
import type { FileSource } from "../files/file-source.ts";
import { isReplaced } from "../tables/stored-files.ts";

/** How often a query is planned, because files that it had listed were replaced or deleted before it read them. */
const MAX_ATTEMPTS = 8;
const FIRST_PAUSE_MS = 2;

/**
 * Runs something that lists files and reads them, from the listing on; does it again, after a pause that grows, where a writer has
 * replaced files in the meantime. From the second time on, a source that pins files is used: a writer that commits without a pause
 * would otherwise always be faster.
 *
 * @param directory an existing directory that DuckDB may read, for links to the pinned files.
 */
export async function retryOnReplacedFiles<T>(
  source: FileSource,
  directory: string,
  signal: AbortSignal | undefined,
  run: (source: FileSource) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const current = attempt === 1 ? source : source.pinning(directory);
    try {
      return await run(current);
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || !(isReplaced(error) || isOvertaken(error))) throw error;
    } finally {
      await current.release();
    }
    // An aborted pause ends early, and the next attempt throws.
    await pause(FIRST_PAUSE_MS * 2 ** attempt, undefined, { signal }).catch(() => {});
  }
}

/** True where a writer was faster than something that may simply be done again. */
function isOvertaken(error: unknown): boolean {
  return isStorageError(error, "conflict") && error.retry === "safe";
}
