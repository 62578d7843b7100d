import type { IncomingHttpHeaders } from "node:http";
import type { Key, ObjectInfo } from "@parquetry/core/backend";
import type { S3Connection, S3Purpose } from "./s3-connection.ts";
import { md5OfEtag, plainEtag } from "./s3-etag.ts";

/** The user metadata with the SHA-256 of the content. */
export const SHA256 = "x-amz-meta-sha256";

/** The user metadata with the MD5 of the content, for objects that were stored with a known MD5. */
export const MD5 = "x-amz-meta-md5";

/** Returns a value of user metadata from the headers of an answer. */
export function metadataOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** Reads the facts of an object from the headers of an answer. */
export function objectInfo(
  connection: S3Connection,
  op: string,
  key: Key,
  headers: IncomingHttpHeaders,
): ObjectInfo {
  const etag = plainEtag(headers.etag, op, key, connection.profile.name);
  const md5 = (isOpaque(headers) ? undefined : md5OfEtag(etag)) ?? recorded(headers, MD5, /^[0-9a-f]{32}$/);
  const sha256 = recorded(headers, SHA256, /^[0-9a-f]{64}$/);
  const lastModified = Date.parse(headers["last-modified"] ?? "");
  return {
    key,
    sizeBytes: totalBytes(headers["content-range"]) ?? Number(headers["content-length"] ?? 0),
    etag,
    lastModified: new Date(Number.isNaN(lastModified) ? 0 : lastModified),
    ...(md5 === undefined ? {} : { md5 }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}

/** Returns a hash from user metadata, or undefined if it is missing or malformed. */
function recorded(headers: IncomingHttpHeaders, name: string, shape: RegExp): string | undefined {
  const value = metadataOf(headers, name);
  return value !== undefined && shape.test(value) ? value : undefined;
}

/** Requests the facts of an object. */
export async function headObject(
  connection: S3Connection,
  key: Key,
  purpose: S3Purpose,
): Promise<{ readonly info: ObjectInfo; readonly headers: IncomingHttpHeaders }> {
  const headers = await connection.send(purpose, { method: "HEAD", key });
  return { info: objectInfo(connection, purpose.op, key, headers), headers };
}

/** Whether the ETag only looks like an MD5, as that of an object which is encrypted with a customer's key. */
function isOpaque(headers: IncomingHttpHeaders): boolean {
  const encryption = headers["x-amz-server-side-encryption"];
  return (
    headers["x-amz-server-side-encryption-customer-algorithm"] !== undefined ||
    (typeof encryption === "string" && encryption.startsWith("aws:kms"))
  );
}

/** Returns the size of the whole object from `Content-Range: bytes 0-9/1000`. */
function totalBytes(contentRange: string | undefined): number | undefined {
  const total = contentRange?.split("/")[1];
  return total === undefined || total === "*" ? undefined : Number(total);
}
