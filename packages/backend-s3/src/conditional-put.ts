import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { isStorageError, type Key, type PutOptions, type PutResult, StorageError } from "@parquetry/core";
import { alreadyExists, preconditionFailed } from "@parquetry/core/backend";
import type { S3Connection } from "./s3-connection.ts";
import { plainEtag } from "./s3-etag.ts";
import { isDoubtful } from "./s3-failure.ts";

/** The user metadata that names a conditional write. */
const WRITE_ID = "parquetry-write";
/** Tries of a conditional put whose answers are lost. */
const MAX_TRIES = 6;

/**
 * Makes a conditional put whose outcome is the truth: where an answer is lost, the store may have committed, and simply
 * sending the same again would then read one's own write as somebody else's. So each such put carries an id, and after a
 * doubtful answer the object is asked whose it is.
 *
 * @param send sends the put with this metadata.
 * @param canRepeat whether the body can be sent again.
 * @throws StorageError `already_exists` or `precondition_failed` where another write won; `outcome_unknown` where nobody
 * can say.
 */
export async function conditionalPut(
  connection: S3Connection,
  key: Key,
  options: PutOptions,
  send: (metadata: Record<string, string>) => Promise<PutResult>,
  canRepeat: boolean,
): Promise<PutResult> {
  const writeId = randomUUID();
  let doubt: StorageError | undefined;
  for (let tries = 1; ; tries++) {
    try {
      return await send({ [WRITE_ID]: writeId });
    } catch (error) {
      if (!isStorageError(error)) throw error;
      const lost = isLost(error, options);
      if (lost && doubt === undefined) throw lostTo(connection, key, options);
      if (!lost && (!isDoubtful(error) || error.retry === "never"))
        throw doubt === undefined ? error : unknown(connection, key, error);
      doubt = error;
      const own = await findOwn(connection, key, writeId, options.signal);
      if (own !== undefined) return own;
      if (lost) throw lostTo(connection, key, options);
      if (!canRepeat || tries === MAX_TRIES) throw unknown(connection, key, error);
      await sleep(
        Math.random() * Math.min(connection.retry.maxDelayMs, connection.retry.baseDelayMs * 2 ** tries),
      );
    }
  }
}

/** Whether the store says that the condition did not hold. For `If-Match` on a missing key S3 says 404, R2 412. */
function isLost(error: StorageError, { ifMatch }: PutOptions): boolean {
  if (error.code === "precondition_failed") return true;
  return ifMatch !== undefined && error.code === "not_found" && !error.message.includes("NoSuchBucket");
}

function lostTo(connection: S3Connection, key: Key, { ifMatch }: PutOptions): StorageError {
  const { name } = connection.profile;
  return ifMatch === undefined
    ? alreadyExists(name, "put", key)
    : preconditionFailed(name, "put", key, ifMatch);
}

/** The object, where it is the one that this put wrote; undefined where it is another one, or cannot be asked. */
async function findOwn(
  connection: S3Connection,
  key: Key,
  writeId: string,
  signal: AbortSignal | undefined,
): Promise<PutResult | undefined> {
  try {
    const head = await connection.send("put", key, signal, (client, abort) =>
      client.send(new HeadObjectCommand({ Bucket: connection.bucket, Key: key }), abort),
    );
    if (head.Metadata?.[WRITE_ID] !== writeId) return undefined;
    return {
      etag: plainEtag(head.ETag, "put", key, connection.profile.name),
      sizeBytes: head.ContentLength ?? 0,
    };
  } catch (error) {
    if (isStorageError(error, "aborted")) throw error;
    return undefined;
  }
}

function unknown(connection: S3Connection, key: Key, cause: StorageError): StorageError {
  return new StorageError({
    code: "outcome_unknown",
    op: "put",
    path: key,
    backend: connection.profile.name,
    message: `put ${key}: the store did not answer, and may or may not have stored it. Read the object before you write again.`,
    cause,
  });
}
