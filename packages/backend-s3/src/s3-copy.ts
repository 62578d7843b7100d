import {
  type CompletedPart,
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { type CopyOptions, type Key, type PutResult, StorageError } from "@parquetry/core";
import { mapConcurrent, retryOperation } from "@parquetry/core/backend";
import { abortingOnFailure, completeUpload, createUpload } from "./multipart-upload.ts";
import { s3Body } from "./s3-body.ts";
import type { S3Connection } from "./s3-connection.ts";
import { plainEtag, sha256Of } from "./s3-etag.ts";
import { MAX_PARTS, PART_BYTES, PART_CONCURRENCY } from "./s3-profile.ts";
import { putBytes } from "./single-put.ts";
import { writeLineage } from "./write-lineage.ts";

interface CopySource {
  readonly key: Key;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly sha256: string | undefined;
}

/**
 * Copies an object inside the store, its bytes on the server only, with one exception: a small copy with conditions.
 *
 * - Without conditions, up to the size that one request takes: by that request.
 * - With conditions and at most one part large: read and put, since a CopyObject's conditions on its target are unknown to
 *   most servers, and by parts the object would lose the ETag that proves its content.
 * - Else: by parts that the server copies, the conditions on the request that makes the object of them.
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
  if (source.sizeBytes <= PART_BYTES) {
    const bytes = await readAll(connection, source, options.signal);
    return putBytes(connection, to, bytes, options);
  }
  return copyByParts(connection, source, to, options);
}

async function findSource(
  connection: S3Connection,
  key: Key,
  signal: AbortSignal | undefined,
): Promise<CopySource> {
  const found = await connection.send("copy", key, signal, (client, abort) =>
    client.send(new HeadObjectCommand({ Bucket: connection.bucket, Key: key }), abort),
  );
  return {
    key,
    etag: plainEtag(found.ETag, "copy", key, connection.profile.name),
    sizeBytes: found.ContentLength ?? 0,
    sha256: sha256Of(found.Metadata),
  };
}

async function copyWhole(
  connection: S3Connection,
  source: CopySource,
  to: Key,
  signal: AbortSignal | undefined,
): Promise<PutResult> {
  const copied = await connection.send("copy", source.key, signal, (client, abort) =>
    client.send(
      new CopyObjectCommand({
        Bucket: connection.bucket,
        Key: to,
        CopySource: copySource(connection, source.key),
      }),
      abort,
    ),
  );
  const etag = plainEtag(copied.CopyObjectResult?.ETag, "copy", to, connection.profile.name);
  return { etag, sizeBytes: source.sizeBytes };
}

async function readAll(
  connection: S3Connection,
  { key, etag }: CopySource,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const found = await connection.send("copy", key, signal, (client, abort) =>
    client.send(new GetObjectCommand({ Bucket: connection.bucket, Key: key, IfMatch: `"${etag}"` }), abort),
  );
  return s3Body(connection, key, found.Body, found.ContentLength, signal).bytes();
}

async function copyByParts(
  connection: S3Connection,
  source: CopySource,
  to: Key,
  options: CopyOptions,
): Promise<PutResult> {
  const { profile, retry } = connection;
  const { signal } = options;
  const lineage = writeLineage(options);
  const upload = await createUpload(connection, to, lineage, source.sha256, signal);
  const size = Math.max(profile.copyPartBytes, Math.ceil(source.sizeBytes / MAX_PARTS));
  const starts = Array.from({ length: Math.ceil(source.sizeBytes / size) }, (_, i) => i * size);
  const copyPart = async (start: number, index: number): Promise<CompletedPart> => {
    const end = Math.min(start + size, source.sizeBytes);
    const command = {
      ...upload,
      PartNumber: index + 1,
      CopySource: copySource(connection, source.key),
      CopySourceRange: `bytes=${start}-${end - 1}`,
      // All parts of one version, or none.
      CopySourceIfMatch: `"${source.etag}"`,
    };
    const { CopyPartResult } = await retryOperation(retry, profile.name, signal, to, () =>
      connection.send("copy", to, signal, (client, abort) =>
        client.send(new UploadPartCopyCommand(command), abort),
      ),
    );
    return { PartNumber: index + 1, ETag: CopyPartResult?.ETag };
  };
  return abortingOnFailure(connection, upload, lineage, signal, async () => {
    const parts = await mapConcurrent(starts, PART_CONCURRENCY, copyPart);
    if ((await findSource(connection, source.key, signal)).etag !== source.etag) {
      // radosgw ignores the condition on the source.
      throw new StorageError({
        code: "conflict",
        op: "copy",
        path: source.key,
        backend: profile.name,
        message: `copy ${source.key}: it changed while it was copied. Nothing was stored; copy it again.`,
      });
    }
    return completeUpload(connection, upload, parts, source.sizeBytes, lineage, options);
  });
}

/** Sent as it is by the SDK, so it is encoded here, segment by segment. */
function copySource(connection: S3Connection, key: Key): string {
  return [connection.bucket, ...key.split("/")].map(encodeURIComponent).join("/");
}
