import { setTimeout as sleep } from "node:timers/promises";
import {
  alreadyExists,
  isStorageError,
  type Key,
  type PutOptions,
  type PutResult,
  preconditionFailed,
  StorageError,
} from "@parquetry/core/backend";
import { abortedError } from "@parquetry/core/unstable";
import type { S3Connection } from "./s3-connection.ts";
import { isDoubtful } from "./s3-failure.ts";
import { type Standing, standingOf, type WriteLineage } from "./write-lineage.ts";

/**
 * Makes a write whose outcome is the truth. Where its answer is lost, the store may have committed it, and simply sending
 * it again would then read one's own write as somebody else's. So the write carries its lineage, and after a doubtful
 * answer the object is asked whose it is.
 *
 * @param send sends the write, its lineage with it.
 * @param waitsOutLimits whether `rate_limited` is waited out here. Else it is thrown, and whoever repeats it starts afresh.
 * @throws StorageError `already_exists` or `precondition_failed` where another write surely won; `outcome_unknown` where
 * nobody can say; `aborted` where the signal fired, and then too the write may have happened.
 */
export async function settlePut(
  connection: S3Connection,
  key: Key,
  options: PutOptions,
  lineage: WriteLineage,
  send: () => Promise<PutResult>,
  waitsOutLimits = false,
): Promise<PutResult> {
  const { retry } = connection;
  const { signal } = options;
  const startedAt = performance.now();
  let doubt: StorageError | undefined;
  for (let tries = 1; ; tries++) {
    let failure: StorageError;
    try {
      return await send();
    } catch (error) {
      if (!isStorageError(error) || signal?.aborted) throw error;
      failure = error;
    }
    const lost = isLost(failure, options);
    const isLimited = failure.code === "rate_limited" && waitsOutLimits;
    if (doubt === undefined) {
      if (lost) throw lostTo(connection, key, options);
      // Nothing happened.
      if (!isLimited && (!isDoubtful(failure) || failure.retry === "never")) throw failure;
    }
    if (isDoubtful(failure)) doubt = failure;
    if (doubt !== undefined) {
      const standing = await stands(connection, key, lineage, signal, failure);
      if (standing.is === "own") return standing.result;
      if (standing.is === "beaten") throw lostTo(connection, key, options);
      // An earlier try may have happened and been replaced since.
      if (standing.is === "other" && lineage.replaces !== undefined) throw unknown(connection, key, failure);
    }
    const delayMs = Math.max(
      Math.random() * Math.min(retry.maxDelayMs, retry.baseDelayMs * 2 ** tries),
      failure.retryAfterMs ?? 0,
    );
    const isOver = tries >= retry.maxAttempts || performance.now() - startedAt + delayMs > retry.budgetMs;
    const mayPass = failure.retry === "safe" || lost;
    if (isOver || !mayPass) throw doubt === undefined ? failure : unknown(connection, key, failure);
    retry.onRetry?.(failure, tries, delayMs);
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
    if (signal?.aborted) throw abortedError(signal, "put", key, connection.profile.name);
  }
}

/** Whose the object is; where the store cannot be asked, nobody knows. */
async function stands(
  connection: S3Connection,
  key: Key,
  lineage: WriteLineage,
  signal: AbortSignal | undefined,
  failure: StorageError,
): Promise<Standing> {
  try {
    return await standingOf(connection, key, lineage, signal);
  } catch (error) {
    throw signal?.aborted ? error : unknown(connection, key, failure);
  }
}

/** Whether the store says that the condition did not hold. For `If-Match` on a missing key S3 says 404, R2 412. */
function isLost(error: StorageError, { ifMatch }: PutOptions): boolean {
  if (error.code === "precondition_failed") return true;
  const isObject = error.storeCode !== "NoSuchBucket" && error.storeCode !== "NoSuchUpload";
  return ifMatch !== undefined && error.code === "not_found" && isObject;
}

function lostTo(connection: S3Connection, key: Key, { ifMatch }: PutOptions): StorageError {
  const { name } = connection.profile;
  return ifMatch === undefined
    ? alreadyExists(name, "put", key)
    : preconditionFailed(name, "put", key, ifMatch);
}

function unknown(connection: S3Connection, key: Key, cause: StorageError): StorageError {
  return new StorageError({
    code: "outcome_unknown",
    op: "put",
    path: key,
    backend: connection.profile.name,
    message: `put ${key}: the store's answer was lost, and it may or may not have stored it. Read the object before you write again.`,
    cause,
  });
}
