import {
  type CopyOptions,
  type Key,
  type ObjectInfo,
  type PutResult,
  StorageError,
} from "@parquetry/core/backend";
import { mapConcurrent, retryOperation } from "@parquetry/core/unstable";
import { abortingOnFailure, completeUpload, createUpload, type SentPart } from "./multipart-upload.ts";
import { headObject } from "./object-headers.ts";
import { childText } from "./read-xml.ts";
import { s3Body } from "./s3-body.ts";
import type { S3Connection, S3Request } from "./s3-connection.ts";
import { plainEtag } from "./s3-etag.ts";
import { PART_CONCURRENCY } from "./s3-profile.ts";
import { putBytes } from "./single-put.ts";
import { encodeKey, encodeUriPart } from "./uri-encoding.ts";
import { writeLineage } from "./write-lineage.ts";

/**
 * Copies an object inside the store. The bytes stay on the server, except for a small copy with conditions.
 *
 * - Without conditions, up to the size limit of CopyObject: one CopyObject request.
 * - With conditions and at most one part large: a get and a put. Most servers ignore the conditions of CopyObject on its
 *   target, and a copy by parts would lose the ETag that proves the content.
 * - Otherwise: parts that the server copies, with the conditions on the request that completes the object.
 */
export async function s3Copy(
  connection: S3Connection,
  from: Key,
  to: Key,
  options: CopyOptions,
): Promise<PutResult> {
  const { profile } = connection;
  const source = await findSource(connection, from, options.signal);
  const isConditional = options.ifMatch !== undefined || options.ifNoneMatch !== undefined;
  if (!isConditional && source.sizeBytes <= profile.maxCopyBytes) {
    return copyWhole(connection, source, to, options.signal);
  }
  if (source.sizeBytes <= profile.partBytes) {
    const bytes = await readAll(connection, source, options.signal);
    return putBytes(connection, to, bytes, options);
  }
  return copyByParts(connection, source, to, options);
}

async function findSource(
  connection: S3Connection,
  key: Key,
  signal: AbortSignal | undefined,
): Promise<ObjectInfo> {
  return (await headObject(connection, key, { op: "copy", path: key, signal })).info;
}

async function copyWhole(
  connection: S3Connection,
  source: ObjectInfo,
  to: Key,
  signal: AbortSignal | undefined,
): Promise<PutResult> {
  const answer = await connection.sendForXml(
    { op: "copy", path: source.key, signal },
    {
      ...{ method: "PUT", key: to, isHeavy: true },
      headers: { "x-amz-copy-source": copySource(connection, source.key) },
    },
  );
  const etag = plainEtag(childText(answer, "ETag"), "copy", to, connection.profile.name);
  return { etag, sizeBytes: source.sizeBytes };
}

async function readAll(
  connection: S3Connection,
  { key, etag }: ObjectInfo,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const answer = await connection.open(
    { op: "copy", path: key, signal },
    { method: "GET", key, headers: { "if-match": `"${etag}"` } },
  );
  return s3Body(connection, key, answer, signal).bytes();
}

async function copyByParts(
  connection: S3Connection,
  source: ObjectInfo,
  to: Key,
  options: CopyOptions,
): Promise<PutResult> {
  const { profile, retry } = connection;
  const { signal } = options;
  const lineage = writeLineage(options);
  const upload = await createUpload(connection, to, lineage, source.sha256, signal);
  const size = Math.max(profile.copyPartBytes, Math.ceil(source.sizeBytes / profile.maxParts));
  const starts = Array.from({ length: Math.ceil(source.sizeBytes / size) }, (_, i) => i * size);
  const copyPart = async (start: number, index: number): Promise<SentPart> => {
    const end = Math.min(start + size, source.sizeBytes);
    const number = index + 1;
    const request: S3Request = {
      ...{ method: "PUT", key: to, isHeavy: true },
      query: { partNumber: String(number), uploadId: upload.uploadId },
      headers: {
        "x-amz-copy-source": copySource(connection, source.key),
        "x-amz-copy-source-range": `bytes=${start}-${end - 1}`,
        // All parts come from the same version, or the copy fails.
        "x-amz-copy-source-if-match": `"${source.etag}"`,
      },
    };
    const answer = await retryOperation(retry, profile.name, signal, to, () =>
      connection.sendForXml({ op: "copy", path: to, signal }, request),
    );
    return { number, etag: childText(answer, "ETag") ?? "" };
  };
  return abortingOnFailure(connection, upload, lineage, signal, async () => {
    const parts = await mapConcurrent(starts, PART_CONCURRENCY, copyPart);
    if ((await findSource(connection, source.key, signal)).etag !== source.etag) {
      // radosgw ignores the condition on the source of a part.
      throw new StorageError({
        code: "conflict",
        op: "copy",
        path: source.key,
        backend: profile.name,
        message: `copy ${source.key}: the source changed while it was copied. Nothing was stored; copy it again.`,
      });
    }
    return completeUpload(connection, upload, parts, source.sizeBytes, lineage, options);
  });
}

function copySource({ bucket }: S3Connection, key: Key): string {
  // The slashes in an access point's ARN are not encoded.
  const source = bucket.startsWith("arn:") ? `${encodeKey(bucket)}/object` : encodeUriPart(bucket);
  return `${source}/${encodeKey(key)}`;
}
