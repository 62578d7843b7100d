import { createHash } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import type { S3Credentials } from "../../src/index.ts";

/** A request to sign; path and query of `url` are percent-encoded. */
export interface UnsignedRequest {
  readonly method: string;
  readonly url: string;
  /** Headers to send and to sign. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Value in place of the body's SHA-256, such as `UNSIGNED-PAYLOAD`. */
  readonly payloadHash?: string;
  readonly credentials: S3Credentials;
  readonly region: string;
  /** Time of the signature; now by default. */
  readonly dateMs?: number;
}

/** Signs a request with another implementation than the server's. Returns every header to send except `host`. */
export async function signS3Request(request: UnsignedRequest): Promise<Record<string, string>> {
  const { method, url, credentials, region, body = "", dateMs = Date.now() } = request;
  const payloadHash = request.payloadHash ?? createHash("sha256").update(body).digest("hex");
  const signer = new AwsV4Signer({
    ...{ method, url, ...credentials, region, service: "s3", datetime: amzDate(dateMs) },
    headers: { ...request.headers, "x-amz-content-sha256": payloadHash },
  });
  return Object.fromEntries((await signer.sign()).headers);
}

/** A time as `x-amz-date` has it. */
export function amzDate(dateMs: number): string {
  return new Date(dateMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
}
