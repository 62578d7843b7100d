import { createHash } from "node:crypto";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { Key, Preconditions, PutOptions, PutResult } from "@parquetry/core";
import { bodyMismatch } from "@parquetry/core/backend";
import type { S3Connection } from "./s3-connection.ts";
import { md5OfEtag, plainEtag } from "./s3-etag.ts";

/** Puts bytes by one request. The server checks the Content-MD5, so what it stores is what was sent. */
export async function singlePut(
  connection: S3Connection,
  key: Key,
  bytes: Uint8Array,
  metadata: Record<string, string>,
  options: PutOptions,
): Promise<PutResult> {
  const { bucket, profile } = connection;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (options.sha256 !== undefined && options.sha256 !== sha256) {
    throw bodyMismatch(profile.name, key, options.sha256, sha256);
  }
  const md5 = createHash("md5").update(bytes).digest();
  const { ETag } = await connection.send("put", key, options.signal, (client, abort) =>
    client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: bytes,
        ContentLength: bytes.byteLength,
        ContentMD5: md5.toString("base64"),
        Metadata: { ...metadata, sha256 },
        ...conditionHeaders(options),
      }),
      abort,
    ),
  );
  const etag = plainEtag(ETag, "put", key, profile.name);
  // An encrypted object's ETag is no MD5, though it looks like one.
  const proven = md5OfEtag(etag) === md5.toString("hex");
  return { etag, sizeBytes: bytes.byteLength, ...(proven ? { md5: etag } : {}) };
}

/** The headers of a conditional write. */
export function conditionHeaders({ ifMatch, ifNoneMatch }: Preconditions): {
  IfMatch?: string;
  IfNoneMatch?: string;
} {
  return {
    ...(ifMatch === undefined ? {} : { IfMatch: `"${ifMatch}"` }),
    ...(ifNoneMatch === undefined ? {} : { IfNoneMatch: ifNoneMatch }),
  };
}
