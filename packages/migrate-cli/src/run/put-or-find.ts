import { setTimeout as sleep } from "node:timers/promises";
import {
  isStorageError,
  type ObjectInfo,
  type PutResult,
  type StorageBackend,
  StorageError,
} from "@parquetry/core/backend";
import type { PlannedFile } from "../plan/migration-plan.ts";
import { readContent } from "../proof/read-content.ts";

/** How often a write whose answer is lost, and which did not arrive, is made. */
const MAX_PUTS = 3;

/** The wait before it is made again is random up to this, and doubles, in milliseconds. */
const PUT_DELAY_MS = 50;

/**
 * Puts, and where the answer is "it exists already" or "nobody knows whether it was stored", looks: a store may have kept
 * a write whose answer was lost. What is there with our content has arrived; what did not arrive is put again.
 *
 * @param md5 gives the MD5 of what was sent, where that is known by then.
 * @throws StorageError of the put; `conflict` where somebody else's content lies there now.
 */
export async function putOrFind(
  target: StorageBackend,
  file: PlannedFile,
  signal: AbortSignal | undefined,
  md5: () => string | undefined,
  put: () => Promise<PutResult>,
): Promise<PutResult> {
  for (let tries = 1; ; tries++) {
    try {
      return await put();
    } catch (error) {
      const doubtful = ["already_exists", "outcome_unknown", "precondition_failed"];
      if (!isStorageError(error) || error.op === "get" || !doubtful.includes(error.code)) throw error;
      const there = await findObject(target, file, signal);
      if (there !== undefined && (await isSame(target, there, file, md5(), signal))) {
        return { etag: there.etag, sizeBytes: there.sizeBytes, md5: md5() };
      }
      if (error.code !== "outcome_unknown") throw somebodyElse(target, file, error);
      // What is there is what was there before: the write is lost, and its precondition makes it safe to repeat.
      if (tries === MAX_PUTS || there?.etag !== file.replaces) throw error;
      const delayMs = Math.random() * PUT_DELAY_MS * 2 ** tries;
      // Where it is aborted meanwhile, the put says so in its own words.
      await sleep(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    }
  }
}

async function findObject(
  target: StorageBackend,
  { key }: PlannedFile,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo | undefined> {
  try {
    return await target.head(key, { signal });
  } catch (error) {
    if (isStorageError(error, "not_found")) return undefined;
    throw error;
  }
}

async function isSame(
  target: StorageBackend,
  there: ObjectInfo,
  file: PlannedFile,
  md5: string | undefined,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (md5 === undefined || there.sizeBytes !== file.sizeBytes) return false;
  if (there.md5 !== undefined) return there.md5 === md5;
  // A bucket would charge for reading it.
  return (
    target.capabilities.listProves === "none" && (await readContent(target, there, { signal })).md5 === md5
  );
}

function somebodyElse(target: StorageBackend, { key }: PlannedFile, cause: StorageError): StorageError {
  return new StorageError({
    code: "conflict",
    op: "copy",
    path: key,
    backend: target.name,
    message: `copy ${target.url(key)}: somebody else wrote it since the plan was made, with other content. It was left alone; run again to compare.`,
    cause,
  });
}
