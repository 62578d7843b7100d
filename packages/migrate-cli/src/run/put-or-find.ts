import { setTimeout as sleep } from "node:timers/promises";
import {
  isStorageError,
  type ObjectInfo,
  type PutResult,
  type StorageBackend,
  StorageError,
} from "@parquetry/core/backend";
import type { PlannedFile } from "../plan/migration-plan.ts";
import { hashLike } from "../proof/read-version.ts";
import type { SourceReading } from "./arrival.ts";

/** How often a write is made whose answer was lost and which did not arrive. */
const MAX_PUTS = 3;

/** The longest wait before the second write, in milliseconds; it is random, and doubles before each further one. */
const PUT_DELAY_MS = 50;

/**
 * Puts a file. If the store answers that the file exists already, or if the answer is lost, looks at the target: a store may
 * have kept a write whose answer was lost. An object with the same content has arrived; a write that did not arrive is
 * repeated.
 *
 * @param reading returns the hash of the bytes that were sent, if it is known by then.
 * @throws StorageError of the put; `conflict` if another program's content is there now.
 */
export async function putOrFind(
  target: StorageBackend,
  file: PlannedFile,
  signal: AbortSignal | undefined,
  reading: () => SourceReading,
  put: () => Promise<PutResult>,
): Promise<PutResult> {
  for (let tries = 1; ; tries++) {
    try {
      return await put();
    } catch (error) {
      const doubtful = ["already_exists", "outcome_unknown", "precondition_failed"];
      if (!isStorageError(error) || error.op === "get" || !doubtful.includes(error.code)) throw error;
      const sent = reading();
      const there = await target.head(file.key, { signal }).catch(unlessMissing);
      if (there !== undefined && (await isSame(target, there, file, sent, signal)))
        return { etag: there.etag, sizeBytes: there.sizeBytes, md5: sent.md5 };
      if (error.code !== "outcome_unknown") throw otherContent(target, file, error);
      // The target still holds the earlier version: the write is lost, and its precondition makes it safe to repeat.
      if (tries === MAX_PUTS || there?.etag !== file.replaces) throw error;
      const delayMs = Math.random() * PUT_DELAY_MS * 2 ** tries;
      // If it is aborted during the wait, the next put reports that.
      await sleep(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    }
  }
}

function unlessMissing(error: unknown): undefined {
  if (!isStorageError(error, "not_found")) throw error;
}

async function isSame(
  target: StorageBackend,
  there: ObjectInfo,
  file: PlannedFile,
  sent: SourceReading,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const expected = sent.md5 ?? (sent.partSizeBytes === undefined ? undefined : sent.multipartEtag);
  if (expected === undefined || there.sizeBytes !== file.sizeBytes) return false;
  if (there.md5 !== undefined) return there.md5 === expected;
  // Reading it from a bucket would cost money.
  return (
    target.capabilities.listProves === "none" && (await hashLike(sent, target, there, signal)) === expected
  );
}

function otherContent(target: StorageBackend, { key }: PlannedFile, cause: StorageError): StorageError {
  return new StorageError({
    code: "conflict",
    op: "copy",
    path: key,
    backend: target.name,
    message: `copy ${target.url(key)}: another program has written other content since the plan was made. It was left alone; run again to compare.`,
    cause,
  });
}
