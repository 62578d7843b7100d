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
 * Puts bytes by one request. The server checks the Content-MD5, so what it stores is what was sent. The SHA-256 goes with the
 * object, and is what the signature is made of. Where the caller has hashed the bytes already, as a migration has, that MD5
 * takes its place in both: the signature holds the Content-MD5, and bytes are hashed once.
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
    // An encrypted object's ETag is no MD5, though it looks like one.
    const proven = md5OfEtag(etag) === md5;
    return { etag, sizeBytes: bytes.byteLength, ...(proven ? { md5 } : {}) };
  } catch (error) {
    if (options.md5 === undefined || !isStorageError(error, "corrupt")) throw error;
    const actual = hash("md5", bytes, "hex");
    // Not damaged on the way: announced wrongly, and so it would be each time.
    throw actual === options.md5 ? error : bodyMismatch(name, key, "MD5", options.md5, actual);
  }
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
  const send = (): Promise<PutResult> => singlePut(connection, key, bytes, lineage.headers, options);
  return settlePut(connection, key, options, lineage, send);
}
