import { createHash } from "node:crypto";
import {
  canonicalRequestHash,
  type S3Credentials,
  scopeText,
  signingKey,
  signLines,
} from "./signature-v4.ts";

/** A request to sign. */
export interface UnsignedRequest {
  readonly method: string;
  /** Path and query percent-encoded already. */
  readonly url: string;
  /** Headers to send and to sign, names in lower case; none by default. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Body to sign; empty by default. */
  readonly body?: string | Uint8Array;
  /** What to say of the body in place of its SHA-256, such as `UNSIGNED-PAYLOAD`. */
  readonly payloadHash?: string;
  readonly credentials: S3Credentials;
  readonly region: string;
  /** Time of the signature, in milliseconds since the epoch; now by default. */
  readonly dateMs?: number;
}

/**
 * Signs a request with Signature Version 4 and returns all headers to send but `host`, which HTTP clients set
 * themselves. For tests and benchmarks that a full SDK is too heavy or too well-behaved for.
 *
 * @example
 * const headers = signS3Request({ method: "GET", url, credentials: server.credentials, region: server.region });
 * const response = await fetch(url, { headers });
 */
export function signS3Request(request: UnsignedRequest): Record<string, string> {
  const { method, credentials, region, body = "" } = request;
  const { host, pathname, search } = new URL(request.url);
  const amzDate = new Date(request.dateMs ?? Date.now()).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const payloadHash = request.payloadHash ?? createHash("sha256").update(body).digest("hex");
  const headers: Record<string, string> = {
    ...request.headers,
    "x-amz-content-sha256": payloadHash,
    "x-amz-date": amzDate,
  };
  const signedHeaders = ["host", ...Object.keys(headers)].sort();
  const hash = canonicalRequestHash({
    method,
    rawPath: pathname,
    rawQuery: search.slice(1),
    headers: { ...headers, host },
    signedHeaders,
    payloadHash,
    presigned: false,
  });
  const scope = { date: amzDate.slice(0, 8), region, service: "s3" };
  const key = signingKey(credentials.secretAccessKey, scope);
  const signature = signLines(key, ["AWS4-HMAC-SHA256", amzDate, scopeText(scope), hash]);
  headers["authorization"] =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scopeText(scope)}, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`;
  return headers;
}
