import { hash } from "node:crypto";
import { isStorageError, type Key, type PutOptions, type PutResult } from "@parquetry/core/backend";
import { bodyMismatch } from "@parquetry/core/unstable";
import { sendConditionally } from "./conditional-headers.ts";
import { MD5, SHA256 } from "./object-headers.ts";
import type { S3Connection } from "./s3-connection.ts";
import { md5OfEtag, plainEtag } from "./s3-etag.ts";
import { settlePut } from "./settle-put.ts";
import { UNSIGNED_PAYLOAD } from "./sign-request.ts";
import { writeLineage } from "./write-lineage.ts";

/**
 * Stores bytes with one request. The server checks the Content-MD5, so it stores exactly what was sent. The SHA-256 is stored
 * with the object and signed. If the caller passes the MD5, as a migration does, that is stored instead and the signature
 * covers the Content-MD5, so the bytes are hashed only once.
 */
async function singlePut(
  connection: S3Connection,
  key: Key,
  bytes: Uint8Array,
  lineage: Readonly<Record<string, string>>,
  options: PutOptions,
): Promise<PutResult> {
  const { name } = connection.profile;
  const isHashed = options.md5 !== undefined && options.sha256 === undefined;
  const sha256 = isHashed ? undefined : hash("sha256", bytes, "hex");
  if (sha256 !== undefined && options.sha256 !== undefined && options.sha256 !== sha256) {
    throw bodyMismatch(name, key, "SHA-256", options.sha256, sha256);
  }
  const md5 = options.md5 ?? hash("md5", bytes, "hex");
  const purpose = { op: "put", path: key, signal: options.signal };
  try {
    const answer = await sendConditionally(connection, key, options, (conditions) =>
      connection.send(purpose, {
        method: "PUT",
        key,
        headers: {
          "content-md5": Buffer.from(md5, "hex").toString("base64"),
          "content-type": "application/octet-stream",
          [sha256 === undefined ? MD5 : SHA256]: sha256 ?? md5,
          ...lineage,
          ...conditions,
        },
        body: bytes,
        payloadHash: sha256 ?? UNSIGNED_PAYLOAD,
      }),
    );
    const etag = plainEtag(answer.etag, "put", key, name);
    // The ETag of an encrypted object looks like an MD5, but is not one.
    const proven = md5OfEtag(etag) === md5;
    return { etag, sizeBytes: bytes.byteLength, ...(proven ? { md5 } : {}) };
  } catch (error) {
    if (options.md5 === undefined || !isStorageError(error, "corrupt")) throw error;
    const actual = hash("md5", bytes, "hex");
    // If the given MD5 is wrong, the bytes were not damaged in transit, and sending them again cannot help.
    throw actual === options.md5 ? error : bodyMismatch(name, key, "MD5", options.md5, actual);
  }
}

/** As {@link singlePut}, and reports the true outcome of a conditional write. */
export function putBytes(
  connection: S3Connection,
  key: Key,
  bytes: Uint8Array,
  options: PutOptions,
): Promise<PutResult> {
  const lineage = writeLineage(options);
  // Without conditions the same write can simply be repeated.
  if (lineage.replaces === undefined) return singlePut(connection, key, bytes, {}, options);
  const send = (): Promise<PutResult> => singlePut(connection, key, bytes, lineage.headers, options);
  return settlePut(connection, key, options, lineage, send);
}
