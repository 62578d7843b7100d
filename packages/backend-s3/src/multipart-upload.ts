import { hash } from "node:crypto";
import {
  bodyCheck,
  isStorageError,
  type Key,
  type OperationOptions,
  type PutOptions,
  type PutResult,
  StorageError,
  throwIfAborted,
} from "@parquetry/core/backend";
import { mapConcurrent, retryOperation } from "@parquetry/core/unstable";
import { chunksOf } from "./chunks-of.ts";
import { sendConditionally } from "./conditional-headers.ts";
import { SHA256 } from "./object-headers.ts";
import { childText, escapeXml } from "./read-xml.ts";
import type { S3Connection, S3Request } from "./s3-connection.ts";
import { plainEtag } from "./s3-etag.ts";
import { PART_CONCURRENCY, type S3Profile } from "./s3-profile.ts";
import { settlePut } from "./settle-put.ts";
import { UNSIGNED_PAYLOAD } from "./sign-request.ts";
import { standingOf, type WriteLineage, writeLineage } from "./write-lineage.ts";

/** An upload by parts that has begun. */
export interface UploadTarget {
  readonly key: Key;
  readonly uploadId: string;
}

/** A part that the store has. */
export interface SentPart {
  /** Its number, from 1. */
  readonly number: number;
  /** The store's tag for it, as it came. */
  readonly etag: string;
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
  const check = bodyCheck(profile.name, key, options);
  let total = 0;
  return abortingOnFailure(connection, upload, lineage, signal, async () => {
    const parts = await mapConcurrent(
      chunksOf(body, partBytesFor(profile, sizeBytes)),
      PART_CONCURRENCY,
      async (part, index) => {
        throwIfAborted(signal, "put", key, profile.name);
        if (index >= profile.maxParts) throw tooLong(profile, key);
        // Called in order: the check sees the parts as they lie in the object.
        check.update(part);
        total += part.byteLength;
        return sendPart(connection, upload, part, hash("md5", part, "hex"), index + 1, signal);
      },
    );
    check.finish();
    return completeUpload(connection, upload, parts, total, lineage, options);
  });
}

function tooLong({ name, maxParts, partBytes }: S3Profile, key: Key): StorageError {
  const limit = Math.floor((maxParts * partBytes) / 1e9);
  return new StorageError({
    code: "invalid_argument",
    op: "put",
    path: key,
    backend: name,
    message: `put ${key}: a stream of unknown length may have ${limit} GB. Give a body that knows its \`sizeBytes\`.`,
  });
}

/** An upload that has begun, and how often the store was asked to: each answer that was lost left an empty one behind. */
export interface BegunUpload extends UploadTarget {
  readonly asked: number;
}

/** Begins an upload. Its metadata is fixed here, before the content is known: the SHA-256 only where it was announced. */
export async function createUpload(
  connection: S3Connection,
  key: Key,
  lineage: WriteLineage,
  sha256: string | undefined,
  signal: AbortSignal | undefined,
): Promise<BegunUpload> {
  const headers = {
    "content-type": "application/octet-stream",
    ...(sha256 === undefined ? {} : { [SHA256]: sha256 }),
    ...lineage.headers,
  };
  // Repeated here, since the body may be one that cannot be read again. An upload whose answer is lost stays behind empty.
  let asked = 0;
  const answer = await retryOperation(connection.retry, connection.profile.name, signal, key, () => {
    asked++;
    return connection.sendForXml(
      { op: "put", path: key, signal },
      { method: "POST", key, query: { uploads: "" }, headers },
    );
  });
  const uploadId = childText(answer, "UploadId");
  if (uploadId) return { key, uploadId, asked };
  throw new StorageError({
    code: "not_supported",
    op: "put",
    path: key,
    backend: connection.profile.name,
    message: `put ${key}: the store began an upload by parts without giving its id.`,
  });
}

/** Sends one part, with the MD5 that the server holds it against. */
export async function sendPart(
  connection: S3Connection,
  { key, uploadId }: UploadTarget,
  part: Uint8Array,
  md5: string,
  number: number,
  signal: AbortSignal | undefined,
): Promise<SentPart> {
  const request: S3Request = {
    ...{ method: "PUT", key, body: part },
    query: { partNumber: String(number), uploadId },
    headers: { "content-md5": Buffer.from(md5, "hex").toString("base64") },
    // The MD5 is signed, and through it the bytes.
    payloadHash: UNSIGNED_PAYLOAD,
  };
  // Repeated here, since the body behind the part cannot be read again.
  const { etag = "" } = await retryOperation(connection.retry, connection.profile.name, signal, key, () =>
    connection.send({ op: "put", path: key, signal }, request),
  );
  return { number, etag };
}

/** Makes the object of its parts. Where the answer is lost, the object is asked whose it is. */
export function completeUpload(
  connection: S3Connection,
  upload: UploadTarget,
  parts: readonly SentPart[],
  sizeBytes: number,
  lineage: WriteLineage,
  options: PutOptions,
): Promise<PutResult> {
  const { key, uploadId } = upload;
  const { signal } = options;
  const send = async (): Promise<PutResult> => {
    const list = parts.map(
      ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
    );
    const body = Buffer.from(
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join("")}</CompleteMultipartUpload>`,
    );
    const answer = await sendConditionally(connection, key, options, (conditions) =>
      connection.sendForXml(
        { op: "put", path: key, signal },
        {
          ...{ method: "POST", key, query: { uploadId }, body, isHeavy: true },
          headers: { "content-type": "application/xml", ...conditions },
        },
      ),
    );
    const etag = childText(answer, "ETag");
    if (etag) return { etag: plainEtag(etag, "put", key, connection.profile.name), sizeBytes };
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

/** Aborts an upload, so that its parts no longer cost anything. Does nothing where there is none. */
export async function abortUpload(
  connection: S3Connection,
  { key, uploadId }: UploadTarget,
  { signal }: OperationOptions = {},
): Promise<void> {
  try {
    await connection.send({ op: "abort", path: key, signal }, { method: "DELETE", key, query: { uploadId } });
  } catch (error) {
    if (!isStorageError(error, "not_found") || error.storeCode === "NoSuchBucket") throw error;
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
    const { retry, profile } = connection;
    // If it cannot be aborted, the store does so in time; the first failure is the one to report.
    await retryOperation({ ...retry, maxAttempts: 3 }, profile.name, undefined, upload.key, () =>
      abortUpload(connection, upload),
    ).catch(() => {});
    if (isStorageError(error, "outcome_unknown")) {
      const standing = await standingOf(connection, upload.key, lineage, signal).catch(() => undefined);
      if (standing?.is === "own") return standing.result;
    }
    throw error;
  }
}

/** The part size: the profile's, more only where the object would otherwise have too many parts. */
export function partBytesFor({ partBytes, maxParts }: S3Profile, sizeBytes: number | undefined): number {
  if (sizeBytes === undefined || sizeBytes <= partBytes * maxParts) return partBytes;
  return Math.ceil(sizeBytes / maxParts / partBytes) * partBytes;
}
