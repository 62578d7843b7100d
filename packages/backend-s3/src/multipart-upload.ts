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
import { sendConditionally } from "./conditional-headers.ts";
import { SHA256 } from "./object-headers.ts";
import { childText, escapeXml } from "./read-xml.ts";
import type { S3Connection, S3Request } from "./s3-connection.ts";
import { plainEtag } from "./s3-etag.ts";
import { PART_CONCURRENCY, type S3Profile } from "./s3-profile.ts";
import { settlePut } from "./settle-put.ts";
import { UNSIGNED_PAYLOAD } from "./sign-request.ts";
import { standingOf, type WriteLineage, writeLineage } from "./write-lineage.ts";

/** An upload by parts that has been started. */
export interface UploadTarget {
  readonly key: Key;
  readonly uploadId: string;
}

/** A part that has been stored. */
export interface SentPart {
  /** Its number, from 1. */
  readonly number: number;
  /** Its ETag, as the store sent it. */
  readonly etag: string;
}

/**
 * Uploads a body by parts, each with its Content-MD5, with at most {@link PART_CONCURRENCY} of them in memory. The object
 * appears when all parts have arrived. A failed upload is aborted, so that no part is left to be charged for.
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
        // Called in the order of the parts, as the check needs them.
        check.update(part);
        total += part.byteLength;
        return sendPart(connection, upload, part, hash("md5", part, "hex"), index + 1, signal);
      },
    );
    check.finish();
    return completeUpload(connection, upload, parts, total, lineage, options);
  });
}

/**
 * Regroups a body into pieces of exactly `size` bytes, except for the last one. Holds one piece in memory. An empty body has
 * no pieces.
 */
async function* chunksOf(body: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let held = 0;
  for await (const chunk of body) {
    let rest = chunk;
    while (held + rest.byteLength >= size) {
      const taken = size - held;
      yield Buffer.concat([...parts, rest.subarray(0, taken)], size);
      rest = rest.subarray(taken);
      parts = [];
      held = 0;
    }
    if (rest.byteLength > 0) {
      parts.push(rest);
      held += rest.byteLength;
    }
  }
  if (held > 0) yield Buffer.concat(parts, held);
}

function tooLong({ name, maxParts, partBytes }: S3Profile, key: Key): StorageError {
  const limit = Math.floor((maxParts * partBytes) / 1e9);
  return new StorageError({
    code: "invalid_argument",
    op: "put",
    path: key,
    backend: name,
    message: `put ${key}: streams of unknown length are limited to ${limit} GB. Pass a body with \`sizeBytes\`.`,
  });
}

/** An upload that has been started, and how many requests that took: each lost answer left an empty upload behind. */
export interface BegunUpload extends UploadTarget {
  readonly asked: number;
}

/** Starts an upload. Its metadata is fixed before the content is known, so the SHA-256 is recorded only if it is given. */
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
  // Retried here, since the body may not be readable a second time. A lost answer leaves an empty upload behind.
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
    message: `put ${key}: the store started an upload by parts without returning its id.`,
  });
}

/** Sends one part, with the MD5 that the server compares it with. */
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
    // The signature covers the MD5, and the MD5 the bytes.
    payloadHash: UNSIGNED_PAYLOAD,
  };
  // Retried here, since the body may not be readable a second time.
  const { etag = "" } = await retryOperation(connection.retry, connection.profile.name, signal, key, () =>
    connection.send({ op: "put", path: key, signal }, request),
  );
  return { number, etag };
}

/** Completes an upload. If the answer is lost, the object tells whether it was stored. */
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
    // radosgw 16 answers with an empty ETag, although the object has one.
    const standing = await standingOf(connection, key, lineage, signal);
    if (standing.is === "own") return standing.result;
    throw new StorageError({
      code: "outcome_unknown",
      op: "put",
      path: key,
      backend: connection.profile.name,
      message: `put ${key}: it was stored and then replaced before its ETag could be read. Read the object before you write again.`,
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
 * Runs the rest of an upload and aborts the upload if that fails. An aborted upload can no longer become an object, so an
 * unknown outcome is checked once more afterwards.
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

/** The part size: that of the profile, or a multiple of it where the object would otherwise have too many parts. */
export function partBytesFor({ partBytes, maxParts }: S3Profile, sizeBytes: number | undefined): number {
  if (sizeBytes === undefined || sizeBytes <= partBytes * maxParts) return partBytes;
  return Math.ceil(sizeBytes / maxParts / partBytes) * partBytes;
}
