import { createHash } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type UploadPartCommandOutput,
} from "@aws-sdk/client-s3";
import type { Key, PutOptions, PutResult } from "@parquetry/core";
import { bodyMismatch, mapConcurrent, retryOperation, throwIfAborted } from "@parquetry/core/backend";
import { chunksOf } from "./chunks-of.ts";
import type { S3Connection } from "./s3-connection.ts";
import { plainEtag } from "./s3-etag.ts";
import { MAX_PARTS, PART_BYTES, PART_CONCURRENCY } from "./s3-profile.ts";
import { conditionHeaders } from "./single-put.ts";

/**
 * Uploads a body by parts, each with its Content-MD5, at most {@link PART_CONCURRENCY} in memory and in flight. The object
 * appears when all parts are there; an upload that fails is aborted, so that no part stays behind and costs.
 */
export async function multipartUpload(
  connection: S3Connection,
  key: Key,
  body: AsyncIterable<Uint8Array>,
  sizeBytes: number | undefined,
  metadata: Record<string, string>,
  options: PutOptions,
): Promise<PutResult> {
  const { bucket, profile } = connection;
  const { signal } = options;
  const target = { Bucket: bucket, Key: key };
  const created = await connection.send("put", key, signal, (client, abort) =>
    client.send(new CreateMultipartUploadCommand({ ...target, Metadata: metadata }), abort),
  );
  const upload = { ...target, UploadId: created.UploadId };
  const sha256 = createHash("sha256");
  let total = 0;
  try {
    const parts = await mapConcurrent(
      chunksOf(body, partBytes(sizeBytes)),
      PART_CONCURRENCY,
      async (part, index) => {
        throwIfAborted(signal, "put", key, profile.name);
        // Called in order: the hash sees the parts as they lie in the object.
        sha256.update(part);
        total += part.byteLength;
        return sendPart(connection, key, upload, part, index + 1, signal);
      },
    );
    const actual = sha256.digest("hex");
    if (options.sha256 !== undefined && actual !== options.sha256) {
      throw bodyMismatch(profile.name, key, options.sha256, actual);
    }
    const done = await connection.send("put", key, signal, (client, abort) =>
      client.send(
        new CompleteMultipartUploadCommand({
          ...upload,
          ...conditionHeaders(options),
          MultipartUpload: { Parts: parts },
        }),
        abort,
      ),
    );
    return { etag: plainEtag(done.ETag, "put", key, profile.name), sizeBytes: total };
  } catch (error) {
    await connection
      .send("put", key, undefined, (client) => client.send(new AbortMultipartUploadCommand(upload)))
      // Gone already, or unreachable: the store ends it by itself in time, and the first failure is the one to tell.
      .catch(() => {});
    throw error;
  }
}

async function sendPart(
  connection: S3Connection,
  key: Key,
  upload: { readonly Bucket: string; readonly Key: string; readonly UploadId: string | undefined },
  part: Uint8Array,
  number: number,
  signal: AbortSignal | undefined,
): Promise<CompletedPart> {
  const contentMd5 = createHash("md5").update(part).digest("base64");
  const send = (): Promise<UploadPartCommandOutput> =>
    connection.send("put", key, signal, (client, abort) =>
      client.send(
        new UploadPartCommand({ ...upload, PartNumber: number, Body: part, ContentMD5: contentMd5 }),
        abort,
      ),
    );
  // Repeated here, since the body behind the part cannot be read again.
  const { ETag } = await retryOperation(connection.retry, connection.profile.name, signal, key, send);
  return { PartNumber: number, ETag };
}

/** The part size: 8 MiB, more only where the object would otherwise have too many parts. */
function partBytes(sizeBytes: number | undefined): number {
  if (sizeBytes === undefined || sizeBytes <= PART_BYTES * MAX_PARTS) return PART_BYTES;
  return Math.ceil(sizeBytes / MAX_PARTS / PART_BYTES) * PART_BYTES;
}
