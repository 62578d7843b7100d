import { S3Error } from "../s3-error.ts";
import type { VerifiedSignature } from "../signature/authenticate.ts";
import {
  acceptChecksumValue,
  CHECKSUM_NAMES,
  type ChecksumAlgorithm,
  parseChecksumAlgorithm,
} from "../store/checksum.ts";
import { requestHeader, type S3Request } from "./s3-request.ts";

/** Largest body of one request, 5 GiB. */
const MAX_PAYLOAD_BYTES = 5 * 1024 ** 3;

/** Whether a request's checksum headers describe its own body or the object that it completes. */
export type DigestScope = "payload" | "object";

/** How a body is framed, and the digests that it must match. */
export interface PayloadPlan {
  /** Announced bytes of the payload, without framing. */
  readonly size: number;
  /** Announced bytes on the wire; `undefined` with `Transfer-Encoding: chunked`. */
  readonly wireSize: number | undefined;
  /** `aws-chunked` framing: the signature that its chunks continue, and whether trailers follow. */
  readonly framing?: { readonly signature?: VerifiedSignature; readonly hasTrailer: boolean };
  /** Expected SHA-256 in hex. */
  readonly sha256?: string;
  /** Expected MD5 in base64. */
  readonly md5?: string;
  /** Checksum to verify; without a `value` here, the value follows in a trailer. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value?: string };
}

const STREAMING: Readonly<Record<string, { readonly signed: boolean; readonly hasTrailer: boolean }>> = {
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": { signed: true, hasTrailer: false },
  "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": { signed: true, hasTrailer: true },
  "STREAMING-UNSIGNED-PAYLOAD-TRAILER": { signed: false, hasTrailer: true },
};

function parseLength(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new S3Error("InvalidArgument", `Invalid content length: ${text}`);
  return Number(text);
}

function checksumOf(request: S3Request): PayloadPlan["checksum"] {
  const given: { algorithm: ChecksumAlgorithm; value?: string }[] = [];
  for (const algorithm of CHECKSUM_NAMES) {
    const value = requestHeader(request, `x-amz-checksum-${algorithm}`);
    if (value !== undefined) given.push({ algorithm, value: acceptChecksumValue(algorithm, value) });
  }
  const trailer = requestHeader(request, "x-amz-trailer")?.trim().toLowerCase();
  if (trailer?.startsWith("x-amz-checksum-")) {
    given.push({ algorithm: parseChecksumAlgorithm(trailer.slice("x-amz-checksum-".length)) });
  }
  if (given.length > 1) {
    const message = "Expecting a single x-amz-checksum- header. Multiple checksum types are not allowed.";
    throw new S3Error("InvalidRequest", message);
  }
  const named = requestHeader(request, "x-amz-sdk-checksum-algorithm");
  if (named === undefined) return given[0];
  const algorithm = parseChecksumAlgorithm(named);
  if (given[0] === undefined) {
    const message =
      "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.";
    throw new S3Error("InvalidRequest", message);
  }
  if (given[0].algorithm !== algorithm) {
    throw new S3Error("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
  return given[0];
}

function md5Of(request: S3Request): string | undefined {
  const value = request.headers["content-md5"];
  if (typeof value !== "string") return undefined;
  const bytes = Buffer.from(value, "base64");
  if (bytes.length !== 16 || bytes.toString("base64") !== value) {
    throw new S3Error("InvalidDigest", "The Content-MD5 you specified is not valid.");
  }
  return value;
}

/**
 * Plans from the headers how to receive a request's body, so that a request that cannot succeed is rejected before its body is
 * read. Throws `MissingContentLength`, `EntityTooLarge`, `InvalidDigest`, `InvalidRequest`, `InvalidArgument`.
 */
export function planPayload(
  request: S3Request,
  signature: VerifiedSignature,
  digests: DigestScope = "payload",
): PayloadPlan {
  const { payloadHash } = signature;
  const wireSize = parseLength(request.headers["content-length"]);
  const streaming = STREAMING[payloadHash];
  const decoded = streaming && parseLength(requestHeader(request, "x-amz-decoded-content-length"));
  const size = streaming === undefined ? wireSize : decoded;
  if (size === undefined) {
    throw new S3Error("MissingContentLength", "You must provide the Content-Length HTTP header.");
  }
  if (size > MAX_PAYLOAD_BYTES) {
    throw new S3Error("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size");
  }
  const checksum = digests === "payload" ? checksumOf(request) : undefined;
  if (checksum !== undefined && checksum.value === undefined && streaming?.hasTrailer !== true) {
    const message = "x-amz-trailer needs a streaming payload with trailers.";
    throw new S3Error("InvalidRequest", message);
  }
  const md5 = md5Of(request);
  const plan = { size, wireSize, ...(md5 && { md5 }), ...(checksum && { checksum }) };
  if (streaming !== undefined) {
    const { signed, hasTrailer } = streaming;
    return { ...plan, framing: signed ? { signature, hasTrailer } : { hasTrailer } };
  }
  if (payloadHash === "UNSIGNED-PAYLOAD") return plan;
  if (!/^[0-9a-f]{64}$/.test(payloadHash)) {
    const message =
      "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, a trailer variant of it, or a valid sha256 value.";
    throw new S3Error("InvalidArgument", message);
  }
  return { ...plan, sha256: payloadHash };
}
