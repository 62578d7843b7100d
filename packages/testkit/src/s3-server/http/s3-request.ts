import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { MAX_KEY_BYTES } from "@parquetry/core/unstable";
import { resolveOperation, type S3Operation } from "../operations/s3-operation.ts";
import { S3Error } from "../s3-error.ts";
import type { S3Profile } from "../s3-profile.ts";
import { decodeUri, parseQuery } from "./uri-encoding.ts";

/** Host names that a bucket may precede (`bucket.localhost:9000`), the longest first. */
const VIRTUAL_HOST_SUFFIXES = [".s3.localhost", ".localhost", ".127.0.0.1"];

/** A parsed request. */
export interface S3Request {
  readonly method: string;
  readonly operation: S3Operation;
  /** Empty for ListBuckets. */
  readonly bucket: string;
  /** Empty for a request for a bucket. */
  readonly key: string;
  /** The path as sent, without the query. */
  readonly rawPath: string;
  /** The query as sent, without `?`. */
  readonly rawQuery: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingHttpHeaders;
  /** Whether the signature is in the query. */
  readonly presigned: boolean;
}

/** Returns the bucket in the `Host` header of a virtual-host style request. */
function hostBucket(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const name = host.replace(/:\d+$/, "").toLowerCase();
  const suffix = VIRTUAL_HOST_SUFFIXES.find((candidate) => name.endsWith(candidate));
  const bucket = suffix === undefined ? "" : name.slice(0, -suffix.length);
  return bucket === "" || bucket === "s3" ? undefined : bucket;
}

/** Returns a key in the form in which the profile stores it. */
export function storedKey(key: string, profile: S3Profile): string {
  return profile.normalizesKeys ? key.normalize("NFC") : key;
}

/** Throws `KeyTooLongError` for a key of more than 1,024 UTF-8 bytes. */
export function checkKeyLength(key: string): void {
  // A UTF-16 unit takes at most three bytes, so short keys need not be measured.
  if (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new S3Error("KeyTooLongError", `Your key is too long; at most ${MAX_KEY_BYTES} bytes are allowed.`);
  }
}

/** Parses a request. Throws `InvalidURI` or `MethodNotAllowed`. */
export function parseRequest(incoming: IncomingMessage, profile: S3Profile): S3Request {
  const { headers, method = "GET", url = "/" } = incoming;
  const mark = url.indexOf("?");
  const rawPath = mark === -1 ? url : url.slice(0, mark);
  const rawQuery = mark === -1 ? "" : url.slice(mark + 1);
  const query = parseQuery(rawQuery);
  const path = decodeUri(rawPath).slice(1);
  const virtual = hostBucket(headers.host);
  const slash = path.indexOf("/");
  const bucket = virtual ?? (slash === -1 ? path : path.slice(0, slash));
  const rest = virtual === undefined ? (slash === -1 ? "" : path.slice(slash + 1)) : path;
  const key = storedKey(rest, profile);
  const presigned = query.has("X-Amz-Signature") || query.has("X-Amz-Algorithm");
  const isCopy = headers["x-amz-copy-source"] !== undefined;
  const operation = resolveOperation({ method, bucket, key, query, isCopy });
  return { method, operation, bucket, key, rawPath, rawQuery, query, headers, presigned };
}

/** Returns the value of a header, or of the query parameter that replaces it in a presigned URL. */
export function requestHeader(request: S3Request, name: string): string | undefined {
  const value = request.headers[name];
  if (typeof value === "string") return value;
  if (value !== undefined) return value.join(",");
  return request.presigned && name.startsWith("x-amz-") ? request.query.get(name) : undefined;
}

/** Returns a query parameter that is a non-negative integer. Throws `InvalidArgument` for another value. */
export function queryInteger(request: S3Request, name: string, fallback: number): number {
  const text = request.query.get(name);
  if (text === undefined || text === "") return fallback;
  if (!/^\d{1,10}$/.test(text) || Number(text) > 2 ** 31 - 1) {
    throw new S3Error("InvalidArgument", `Argument ${name} must be an integer between 0 and 2147483647.`);
  }
  return Number(text);
}

/** Throws `NotImplemented` for a request with a header that the profile refuses. */
export function refuseUnsupportedHeaders(request: S3Request, profile: S3Profile): void {
  for (const name in request.headers) refuseHeader(name, request, profile);
  if (request.presigned) for (const name of request.query.keys()) refuseHeader(name, request, profile);
}

function refuseHeader(name: string, request: S3Request, profile: S3Profile): void {
  if (!name.startsWith("x-amz-")) return;
  for (const { header, except } of profile.refusedHeaders) {
    if (header.endsWith("-") ? !name.startsWith(header) : name !== header) continue;
    if (except?.includes(requestHeader(request, name) ?? "")) continue;
    throw new S3Error("NotImplemented", `Header '${name}' with this value is not implemented.`);
  }
}
