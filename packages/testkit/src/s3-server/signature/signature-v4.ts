import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { decodeUri, encodeUri, encodeUriPath } from "../http/uri-encoding.ts";
import { S3Error } from "../s3-error.ts";

/** An access key pair. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The scope of a signature: `date/region/service/aws4_request`. */
export interface CredentialScope {
  /** `YYYYMMDD`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** SHA-256 of an empty body, in hex. */
export const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const keyCache = new Map<string, Buffer>();
const MAX_CACHED_KEYS = 100;

/** Returns the signing key of a scope. It is cached, because it takes four HMACs and is valid for a day. */
export function signingKey(secret: string, scope: CredentialScope): Buffer {
  const id = `${secret}\n${scope.date}/${scope.region}/${scope.service}`;
  const known = keyCache.get(id);
  if (known !== undefined) return known;
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const step of [scope.date, scope.region, scope.service, "aws4_request"]) {
    key = createHmac("sha256", key).update(step).digest();
  }
  if (keyCache.size >= MAX_CACHED_KEYS) keyCache.clear();
  keyCache.set(id, key);
  return key;
}

export function scopeText(scope: CredentialScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
}

export function signLines(key: Buffer, lines: readonly string[]): string {
  return createHmac("sha256", key).update(lines.join("\n")).digest("hex");
}

/** Compares two signatures in constant time. */
export function sameSignature(sent: string, computed: string): boolean {
  const left = Buffer.from(sent);
  const right = Buffer.from(computed);
  return left.length === right.length && timingSafeEqual(left, right);
}

export function signatureMismatch(): S3Error {
  return new S3Error(
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  );
}

function canonicalQuery(rawQuery: string, presigned: boolean): string {
  if (rawQuery === "") return "";
  const pairs: [name: string, value: string][] = [];
  for (const pair of rawQuery.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const rawName = equals === -1 ? pair : pair.slice(0, equals);
    const rawValue = equals === -1 ? "" : pair.slice(equals + 1);
    const name = encodeUri(decodeUri(rawName.replaceAll("+", " ")));
    if (presigned && name === "X-Amz-Signature") continue;
    pairs.push([name, encodeUri(decodeUri(rawValue.replaceAll("+", " ")))]);
  }
  // Encoded text is ASCII, for which UTF-16 order is byte order.
  pairs.sort(([nameA, valueA], [nameB, valueB]) => {
    if (nameA !== nameB) return nameA < nameB ? -1 : 1;
    return valueA < valueB ? -1 : valueA > valueB ? 1 : 0;
  });
  return pairs.map(([name, value]) => `${name}=${value}`).join("&");
}

function canonicalHeader(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  if (value === undefined) throw signatureMismatch();
  const text = typeof value === "string" ? value : value.join(",");
  return `${name}:${text.trim().replace(/ {2,}/g, " ")}\n`;
}

/** The parts of a request that a signature covers. */
export interface SignedParts {
  readonly method: string;
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly headers: IncomingHttpHeaders;
  /** Lower-case names, in the order they were signed. */
  readonly signedHeaders: readonly string[];
  /** A SHA-256 in hex, or a marker such as `UNSIGNED-PAYLOAD`. */
  readonly payloadHash: string;
  /** Whether the signature is in the query, which then excludes it. */
  readonly presigned: boolean;
}

/** Returns the SHA-256 of the canonical request, in hex. */
export function canonicalRequestHash(parts: SignedParts): string {
  let headers = "";
  for (const name of parts.signedHeaders) headers += canonicalHeader(parts.headers, name);
  const canonical = [
    parts.method,
    encodeUriPath(decodeUri(parts.rawPath)),
    canonicalQuery(parts.rawQuery, parts.presigned),
    headers,
    parts.signedHeaders.join(";"),
    parts.payloadHash,
  ].join("\n");
  return createHash("sha256").update(canonical).digest("hex");
}
