import { requestHeader, type S3Request } from "../http/s3-request.ts";
import { S3Error } from "../s3-error.ts";
import {
  type CredentialScope,
  canonicalRequestHash,
  type S3Credentials,
  sameSignature,
  scopeText,
  signatureMismatch,
  signingKey,
  signLines,
} from "./signature-v4.ts";

/** Maximum difference between the clocks of client and server. */
const MAX_SKEW_MS = 15 * 60 * 1000;
/** Maximum lifetime of a presigned URL. */
const MAX_EXPIRES_SECONDS = 7 * 24 * 3600;
const ALGORITHM = "AWS4-HMAC-SHA256";

/** The credentials, regions and time that a signature must match. */
export interface AuthPolicy {
  readonly credentials: S3Credentials;
  /** Regions that a signature may name, the server's own first. */
  readonly regions: readonly string[];
  /** The server's clock, in milliseconds since the epoch. */
  readonly nowMs: number;
}

/** A verified signature, which the signatures of body chunks continue. */
export interface VerifiedSignature {
  readonly key: Buffer;
  readonly scope: string;
  /** `YYYYMMDDTHHMMSSZ`. */
  readonly amzDate: string;
  readonly signature: string;
  /** The value of `x-amz-content-sha256`. */
  readonly payloadHash: string;
}

interface SignatureFields {
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly amzDate: string;
  readonly payloadHash: string;
}

function headerFields(request: S3Request, authorization: string): SignatureFields {
  if (!authorization.startsWith(`${ALGORITHM} `)) {
    throw new S3Error("InvalidRequest", `The authorization mechanism is not supported; use ${ALGORITHM}.`);
  }
  const fields = new Map<string, string>();
  for (const field of authorization.slice(ALGORITHM.length + 1).split(",")) {
    const equals = field.indexOf("=");
    fields.set(field.slice(0, equals).trim(), field.slice(equals + 1).trim());
  }
  const credential = fields.get("Credential");
  const signedHeaders = fields.get("SignedHeaders");
  const signature = fields.get("Signature");
  if (credential === undefined || signedHeaders === undefined || signature === undefined) {
    const missing = "Credential, SignedHeaders and Signature are required";
    throw new S3Error("AuthorizationHeaderMalformed", `The authorization header is malformed: ${missing}.`);
  }
  const payloadHash = requestHeader(request, "x-amz-content-sha256");
  if (payloadHash === undefined) {
    throw new S3Error("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  }
  const amzDate = requestHeader(request, "x-amz-date") ?? httpDateToAmz(request.headers.date);
  return { credential, signedHeaders: signedHeaders.split(";"), signature, amzDate, payloadHash };
}

function queryFields(request: S3Request): SignatureFields {
  const { query } = request;
  const credential = query.get("X-Amz-Credential");
  const signedHeaders = query.get("X-Amz-SignedHeaders");
  const signature = query.get("X-Amz-Signature");
  const amzDate = query.get("X-Amz-Date");
  const complete = credential && signedHeaders && signature && amzDate && query.has("X-Amz-Expires");
  if (!complete || query.get("X-Amz-Algorithm") !== ALGORITHM) {
    throw new S3Error(
      "AuthorizationQueryParametersError",
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    );
  }
  const payloadHash =
    requestHeader(request, "x-amz-content-sha256") ?? query.get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD";
  return { credential, signedHeaders: signedHeaders.split(";"), signature, amzDate, payloadHash };
}

function httpDateToAmz(date: string | undefined): string {
  const parsed = new Date(date ?? "");
  if (Number.isNaN(parsed.getTime())) throw missingDate();
  return parsed.toISOString().replace(/[-:]|\.\d{3}/g, "");
}

function missingDate(): S3Error {
  return new S3Error("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
}

function parseAmzDate(text: string): number {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) throw missingDate();
  const [, year, month, day, hour, minute, second] = match;
  const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time)) throw missingDate();
  return time;
}

function checkTime(request: S3Request, amzDate: string, nowMs: number): void {
  const signedAt = parseAmzDate(amzDate);
  if (!request.presigned) {
    if (Math.abs(nowMs - signedAt) <= MAX_SKEW_MS) return;
    throw new S3Error(
      "RequestTimeTooSkewed",
      `The difference between the request time (${new Date(signedAt).toISOString()}) and the server's time (${new Date(nowMs).toISOString()}) is too large.`,
    );
  }
  const expires = request.query.get("X-Amz-Expires") ?? "";
  if (!/^\d{1,7}$/.test(expires) || Number(expires) < 1 || Number(expires) > MAX_EXPIRES_SECONDS) {
    const range = `X-Amz-Expires must be between 1 and ${MAX_EXPIRES_SECONDS} seconds.`;
    throw new S3Error("AuthorizationQueryParametersError", range);
  }
  if (nowMs > signedAt + Number(expires) * 1000) throw new S3Error("AccessDenied", "Request has expired");
  if (nowMs < signedAt - MAX_SKEW_MS) throw new S3Error("AccessDenied", "Request is not yet valid");
}

function parseScope(credential: string, policy: AuthPolicy): { accessKeyId: string; scope: CredentialScope } {
  const parts = credential.split("/");
  // An access key may contain slashes, the four fields after it may not.
  const [date, region, service, terminator] = parts.slice(-4);
  const accessKeyId = parts.slice(0, -4).join("/");
  const malformed = (why: string): S3Error =>
    new S3Error("AuthorizationHeaderMalformed", `The authorization header is malformed; ${why}.`);
  if (!accessKeyId || !date || !region || service !== "s3" || terminator !== "aws4_request") {
    throw malformed("the credential must be KEY/YYYYMMDD/REGION/s3/aws4_request");
  }
  if (!policy.regions.includes(region)) {
    throw malformed(`the region '${region}' is wrong; expecting '${policy.regions[0]}'`);
  }
  return { accessKeyId, scope: { date, region, service } };
}

/** Requires that every `x-amz-` header is signed, because a third party could have added it otherwise. */
function requireSignedHeaders(request: S3Request, signedHeaders: readonly string[]): void {
  if (!signedHeaders.includes("host")) throw signatureMismatch();
  for (const name in request.headers) {
    if (!name.startsWith("x-amz-") || signedHeaders.includes(name)) continue;
    // The body's hash of a presigned request need not be signed; the body is compared with it.
    if (request.presigned && name === "x-amz-content-sha256") continue;
    const message = `There were headers present in the request which were not signed: ${name}`;
    throw new S3Error("AccessDenied", message);
  }
}

/**
 * Verifies the Signature Version 4 of a request, in its headers or query. Throws `AccessDenied`, `InvalidAccessKeyId`,
 * `SignatureDoesNotMatch`, `RequestTimeTooSkewed` and the codes of malformed signatures.
 */
export function authenticate(request: S3Request, policy: AuthPolicy): VerifiedSignature {
  const { authorization } = request.headers;
  if (authorization === undefined && !request.presigned) throw new S3Error("AccessDenied", "Access Denied");
  if (authorization !== undefined && request.presigned) {
    throw new S3Error("InvalidArgument", "Only one auth mechanism allowed.");
  }
  const fields = authorization === undefined ? queryFields(request) : headerFields(request, authorization);
  const { amzDate, signedHeaders, payloadHash } = fields;
  const { accessKeyId, scope } = parseScope(fields.credential, policy);
  if (accessKeyId !== policy.credentials.accessKeyId) {
    const message = "The AWS Access Key Id you provided does not exist in our records.";
    throw new S3Error("InvalidAccessKeyId", message);
  }
  checkTime(request, amzDate, policy.nowMs);
  if (!amzDate.startsWith(scope.date)) throw signatureMismatch();
  requireSignedHeaders(request, signedHeaders);
  const { method, rawPath, rawQuery, headers, presigned } = request;
  const hash = canonicalRequestHash({
    method,
    rawPath,
    rawQuery,
    headers,
    signedHeaders,
    payloadHash,
    presigned,
  });
  const key = signingKey(policy.credentials.secretAccessKey, scope);
  const signature = signLines(key, [ALGORITHM, amzDate, scopeText(scope), hash]);
  if (!sameSignature(fields.signature, signature)) throw signatureMismatch();
  return { key, scope: scopeText(scope), amzDate, signature, payloadHash };
}
