import { createHash } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type UploadPartCommandOutput,
} from "@aws-sdk/client-s3";
import { isStorageError, type Key, type PutOptions, type PutResult, StorageError } from "@parquetry/core";
import { bodyMismatch, mapConcurrent, retryOperation, throwIfAborted } from "@parquetry/core/backend";
import { chunksOf } from "./chunks-of.ts";
import { sendConditionally } from "./conditional-headers.ts";
import type { S3Connection } from "./s3-connection.ts";
import { plainEtag } from "./s3-etag.ts";
import { MAX_PARTS, PART_BYTES, PART_CONCURRENCY } from "./s3-profile.ts";
import { settlePut } from "./settle-put.ts";
import { SHA256 } from "./single-put.ts";
import { standingOf, type WriteLineage, writeLineage } from "./write-lineage.ts";

/** An upload by parts that has begun. */
export interface UploadTarget {
  readonly Bucket: string;
  readonly Key: Key;
  readonly UploadId: string;
}

/**
 * Uploads a body by parts, each with its Content-MD5, at most {@link PART_CONCURRENCY} in memory and in flight. The object
 * appears when all parts are there; an upload that fails is aborted, so that no part stays behind and costs.
 */
export async function multipartUpload(
  connection: S3Connection,
  key: Key,
  body: AsyncIterable<Uint8Array>,
  sizeBytes: number | undefined,
  options: PutOptions,
): Promise<PutResult> {
  const { profile } = connection;
  const { signal } = options;
  const lineage = writeLineage(options);
  const upload = await createUpload(connection, key, lineage, options.sha256, signal);
  const sha256 = createHash("sha256");
  let total = 0;
  return abortingOnFailure(connection, upload, lineage, signal, async () => {
    const parts = await mapConcurrent(
      chunksOf(body, partBytesFor(sizeBytes)),
      PART_CONCURRENCY,
      async (part, index) => {
        throwIfAborted(signal, "put", key, profile.name);
        // Called in order: the hash sees the parts as they lie in the object.
        sha256.update(part);
        total += part.byteLength;
        return sendPart(connection, upload, part, index + 1, signal);
      },
    );
    const actual = sha256.digest("hex");
    if (options.sha256 !== undefined && actual !== options.sha256) {
      throw bodyMismatch(profile.name, key, options.sha256, actual);
    }
    return completeUpload(connection, upload, parts, total, lineage, options);
  });
}

/** Begins an upload. Its metadata is fixed here, before the content is known: the SHA-256 only where it was announced. */
export async function createUpload(
  connection: S3Connection,
  key: Key,
  lineage: WriteLineage,
  sha256: string | undefined,
  signal: AbortSignal | undefined,
): Promise<UploadTarget> {
  const target = { Bucket: connection.bucket, Key: key };
  const Metadata = { ...lineage.metadata, ...(sha256 === undefined ? {} : { [SHA256]: sha256 }) };
  // Repeated here, since the body may be one that cannot be read again. An upload whose answer is lost stays behind empty.
  const { UploadId } = await retryOperation(connection.retry, connection.profile.name, signal, key, () =>
    connection.send("put", key, signal, (client, abort) =>
      client.send(new CreateMultipartUploadCommand({ ...target, Metadata }), abort),
    ),
  );
  if (UploadId !== undefined) return { ...target, UploadId };
  throw new StorageError({
    code: "not_supported",
    op: "put",
    path: key,
    backend: connection.profile.name,
    message: `put ${key}: the store began an upload by parts without giving its id.`,
  });
}

/** Sends one part. */
export async function sendPart(
  connection: S3Connection,
  upload: UploadTarget,
  part: Uint8Array,
  number: number,
  signal: AbortSignal | undefined,
): Promise<CompletedPart> {
  const contentMd5 = createHash("md5").update(part).digest("base64");
  const send = (): Promise<UploadPartCommandOutput> =>
    connection.send("put", upload.Key, signal, (client, abort) =>
      client.send(
        new UploadPartCommand({ ...upload, PartNumber: number, Body: part, ContentMD5: contentMd5 }),
        abort,
      ),
    );
  // Repeated here, since the body behind the part cannot be read again.
  const { ETag } = await retryOperation(connection.retry, connection.profile.name, signal, upload.Key, send);
  return { PartNumber: number, ETag };
}

/** Makes the object of its parts. Where the answer is lost, the object is asked whose it is. */
export function completeUpload(
  connection: S3Connection,
  upload: UploadTarget,
  parts: readonly CompletedPart[],
  sizeBytes: number,
  lineage: WriteLineage,
  options: PutOptions,
): Promise<PutResult> {
  const { Key: key } = upload;
  const { signal } = options;
  const send = async (): Promise<PutResult> => {
    const { ETag } = await sendConditionally(connection, key, options, signal, (conditions) =>
      connection.send("put", key, signal, (client, abort) =>
        client.send(
          new CompleteMultipartUploadCommand({
            ...upload,
            ...conditions,
            MultipartUpload: { Parts: [...parts] },
          }),
          abort,
        ),
      ),
    );
    if (ETag) return { etag: plainEtag(ETag, "put", key, connection.profile.name), sizeBytes };
    // radosgw 16 answers with an empty ETag: the object has one.
    const standing = await standingOf(connection, key, lineage, signal);
    if (standing.is === "own") return standing.result;
    throw new StorageError({
      code: "outcome_unknown",
      op: "put",
      path: key,
      backend: connection.profile.name,
      message: `put ${key}: it was stored, and replaced before its ETag could be read. Read the object before you write again.`,
    });
  };
  return settlePut(connection, key, options, lineage, send, true);
}

/** Ends an upload, so that its parts no longer cost. Does nothing where there is none. */
export async function abortUpload(connection: S3Connection, upload: UploadTarget): Promise<void> {
  const { retry, profile } = connection;
  try {
    await retryOperation({ ...retry, maxAttempts: 3 }, profile.name, undefined, upload.Key, () =>
      connection.send("put", upload.Key, undefined, (client) =>
        client.send(new AbortMultipartUploadCommand(upload)),
      ),
    );
  } catch (error) {
    if (!isStorageError(error, "not_found") || error.message.includes("NoSuchBucket")) throw error;
  }
}

/**
 * Runs the rest of an upload and ends the upload where that fails. An ended upload can no longer become an object, so a
 * doubtful outcome is looked at once more after it.
 */
export async function abortingOnFailure(
  connection: S3Connection,
  upload: UploadTarget,
  lineage: WriteLineage,
  signal: AbortSignal | undefined,
  run: () => Promise<PutResult>,
): Promise<PutResult> {
  try {
    return await run();
  } catch (error) {
    // Unreachable: the store ends it by itself in time, and the first failure is the one to tell.
    await abortUpload(connection, upload).catch(() => {});
    if (isStorageError(error, "outcome_unknown")) {
      const standing = await standingOf(connection, upload.Key, lineage, signal).catch(() => undefined);
      if (standing?.is === "own") return standing.result;
    }
    throw error;
  }
}

/** The part size: 8 MiB, more only where the object would otherwise have too many parts. */
export function partBytesFor(sizeBytes: number | undefined): number {
  if (sizeBytes === undefined || sizeBytes <= PART_BYTES * MAX_PARTS) return PART_BYTES;
  return Math.ceil(sizeBytes / MAX_PARTS / PART_BYTES) * PART_BYTES;
}
