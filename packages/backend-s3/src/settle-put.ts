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
 * Runs a conditional write and reports its true outcome. If the answer is lost, the store may have committed the write, and
 * simply sending it again would take one's own write for another writer's. So the write carries its lineage, and after an
 * answer that leaves doubt, the object's lineage is read.
 *
 * @param send sends the write with its lineage.
 * @param waitsOutLimits whether to wait after `rate_limited`. Otherwise it is thrown, and the caller repeats the whole write.
 * @throws StorageError `already_exists` or `precondition_failed` if another write certainly won; `outcome_unknown` if that
 * cannot be decided; `aborted` if the signal fired, in which case the write may have succeeded, too.
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
      // The store has certainly not written.
      if (!isLimited && (!isDoubtful(failure) || failure.retry === "never")) throw failure;
    }
    if (isDoubtful(failure)) doubt = failure;
    if (doubt !== undefined) {
      const standing = await stands(connection, key, lineage, signal, failure);
      if (standing.is === "own") return standing.result;
      if (standing.is === "beaten") throw lostTo(connection, key, options);
      // An earlier attempt may have succeeded and been replaced since.
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

/** Asks which write stored the object. If the store cannot be asked, the outcome is unknown. */
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

/** Whether the condition did not hold. For `If-Match` on a missing key, S3 answers 404 and R2 412. */
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
    message: `put ${key}: the store's answer was lost, and the object may or may not have been stored. Read it before you write again.`,
    cause,
  });
}
