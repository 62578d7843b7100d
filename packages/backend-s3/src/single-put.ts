import { createHash } from "node:crypto";
import { PutObjectCommand } from "@aws-sdk/client-s3";
import type { Key, PutOptions, PutResult } from "@parquetry/core";
import { bodyMismatch } from "@parquetry/core/backend";
import { sendConditionally } from "./conditional-headers.ts";
import type { S3Connection } from "./s3-connection.ts";
import { md5OfEtag, plainEtag } from "./s3-etag.ts";
import { settlePut } from "./settle-put.ts";
import { writeLineage } from "./write-lineage.ts";

/** The user metadata that holds the SHA-256 of the content. */
export const SHA256 = "sha256";

/** Puts bytes by one request. The server checks the Content-MD5, so what it stores is what was sent. */
async function singlePut(
  connection: S3Connection,
  key: Key,
  bytes: Uint8Array,
  metadata: Readonly<Record<string, string>>,
  options: PutOptions,
): Promise<PutResult> {
  const { bucket, profile } = connection;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if (options.sha256 !== undefined && options.sha256 !== sha256) {
    throw bodyMismatch(profile.name, key, options.sha256, sha256);
  }
  const md5 = createHash("md5").update(bytes).digest();
  const { ETag } = await sendConditionally(connection, key, options, options.signal, (conditions) =>
    connection.send("put", key, options.signal, (client, abort) =>
      client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: bytes,
          ContentLength: bytes.byteLength,
          ContentMD5: md5.toString("base64"),
          Metadata: { ...metadata, [SHA256]: sha256 },
          ...conditions,
        }),
        abort,
      ),
    ),
  );
  const etag = plainEtag(ETag, "put", key, profile.name);
  // An encrypted object's ETag is no MD5, though it looks like one.
  const proven = md5OfEtag(etag) === md5.toString("hex");
  return { etag, sizeBytes: bytes.byteLength, ...(proven ? { md5: etag } : {}) };
}

/** As {@link singlePut}; where there are conditions, with an outcome that is the truth. */
export function putBytes(
  connection: S3Connection,
  key: Key,
  bytes: Uint8Array,
  options: PutOptions,
): Promise<PutResult> {
  const lineage = writeLineage(options);
  // Without conditions it may be sent again blindly: it is the same write.
  if (lineage.replaces === undefined) return singlePut(connection, key, bytes, {}, options);
  const send = (): Promise<PutResult> => singlePut(connection, key, bytes, lineage.metadata, options);
  return settlePut(connection, key, options, lineage, send);
}
