import { type Prefix, type RetryAdvice, StorageError, type StorageErrorCode } from "@parquetry/core";
import { abortedError } from "@parquetry/core/backend";

/** What a failure is about. */
export interface FailureContext {
  /** The operation of the contract. */
  readonly op: string;
  /** The key or prefix. */
  readonly path: Prefix;
  /** The backend's name. */
  readonly backend: string;
  /** The bucket, for messages about it. */
  readonly bucket: string;
  /** The endpoint's host, for messages about the way there. */
  readonly endpoint: string;
  /** The caller's signal. */
  readonly signal?: AbortSignal | undefined;
  /** Whether any request has been answered yet: before that, an unreachable endpoint is most likely a wrong one. */
  readonly reached: boolean;
  /** The HTTP statuses of failures that pass. */
  readonly retryableStatuses: ReadonlySet<number>;
}

interface Meaning {
  readonly code: StorageErrorCode;
  readonly retry?: RetryAdvice;
  readonly says: string;
}

const CHECK_KEYS = "check the access key and the secret key";

/** What the stores' error codes mean (AWS: "Error responses", S3 API reference; R2: developers.cloudflare.com/r2/api/error-codes). */
const BY_NAME: Readonly<Record<string, Meaning>> = {
  NoSuchKey: { code: "not_found", says: "there is no such object" },
  NoSuchBucket: {
    code: "not_found",
    says: "there is no such bucket; create it, or check its name and the endpoint",
  },
  NoSuchUpload: { code: "not_found", says: "the multipart upload is gone; start it again" },
  AccessDenied: {
    code: "permission_denied",
    says: "these credentials may not do this; check the key's permissions on the bucket",
  },
  InvalidAccessKeyId: { code: "unauthenticated", says: `the access key is unknown; ${CHECK_KEYS}` },
  SignatureDoesNotMatch: { code: "unauthenticated", says: `the signature is wrong; ${CHECK_KEYS}` },
  ExpiredToken: { code: "unauthenticated", says: "the session token has expired; get a new one" },
  InvalidToken: { code: "unauthenticated", says: "the session token is not valid; get a new one" },
  TokenRefreshRequired: { code: "unauthenticated", says: "the session token has expired; get a new one" },
  RequestTimeTooSkewed: {
    code: "unauthenticated",
    says: "this machine's clock is off by more than 15 minutes; set it",
  },
  CredentialsProviderError: {
    code: "unauthenticated",
    says: "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
  },
  PreconditionFailed: { code: "precondition_failed", says: "it is not the version asked for" },
  ConditionalRequestConflict: { code: "conflict", retry: "safe", says: "another write was under way" },
  OperationAborted: { code: "conflict", retry: "safe", says: "another operation was under way" },
  InvalidRange: { code: "invalid_argument", says: "the range starts beyond the object" },
  // Stores over a directory (MinIO, versitygw), where a key cannot be a file and a folder at once.
  ObjectParentIsFile: {
    code: "invalid_path",
    says: "part of the key is an object, and here it cannot be a folder too",
  },
  XMinioParentIsObject: {
    code: "invalid_path",
    says: "part of the key is an object, and here it cannot be a folder too",
  },
  KeyTooLongError: { code: "invalid_path", says: "the key is too long" },
  EntityTooLarge: { code: "invalid_argument", says: "the object is larger than the store takes" },
  PermanentRedirect: { code: "invalid_argument", says: "the bucket is in another region; set the region" },
  AuthorizationHeaderMalformed: {
    code: "invalid_argument",
    says: "the bucket is in another region; set the region",
  },
  InvalidBucketName: { code: "invalid_argument", says: "the bucket's name is not valid" },
  SlowDown: { code: "rate_limited", says: "the store asks to slow down" },
  TooManyRequests: { code: "rate_limited", says: "the store asks to slow down" },
  // What arrived is not what was sent, and was refused: nothing is in doubt, and sending it again is the remedy.
  BadDigest: { code: "corrupt", retry: "safe", says: "the bytes were damaged on the way" },
  XAmzContentSHA256Mismatch: { code: "corrupt", retry: "safe", says: "the bytes were damaged on the way" },
  IncompleteBody: { code: "corrupt", retry: "safe", says: "the body broke off" },
  RequestTimeout: { code: "timeout", says: "the store waited too long for the body" },
  TimeoutError: { code: "timeout", says: "the store did not answer in time" },
  NotImplemented: { code: "not_supported", says: "the store does not implement this" },
};

/** Of the connection. The SDK names all of these TimeoutError, also a connection that was cut. */
const BY_ERRNO: Readonly<Record<string, Meaning>> = {
  ECONNRESET: { code: "unavailable", says: "the connection broke off" },
  EPIPE: { code: "unavailable", says: "the connection broke off" },
  ETIMEDOUT: { code: "timeout", says: "the store did not answer in time" },
};

const BY_STATUS: Readonly<Record<number, Meaning>> = {
  301: { code: "invalid_argument", says: "the bucket is elsewhere; check the endpoint and the region" },
  400: { code: "invalid_argument", says: "the store did not take the request" },
  401: { code: "unauthenticated", says: `the store did not take the credentials; ${CHECK_KEYS}` },
  403: {
    code: "permission_denied",
    says: `the store refuses; ${CHECK_KEYS}, and the key's permissions on the bucket`,
  },
  404: { code: "not_found", says: "there is no such object or bucket" },
  408: { code: "timeout", says: "the store waited too long for the request" },
  409: { code: "conflict", retry: "safe", says: "another write was under way" },
  412: { code: "precondition_failed", says: "it is not the version asked for" },
  416: { code: "invalid_argument", says: "the range starts beyond the object" },
  429: { code: "rate_limited", says: "the store asks to slow down" },
  501: { code: "not_supported", says: "the store does not implement this" },
};

const STORE_FAILED: Meaning = { code: "unavailable", says: "the store failed" };

/** Connection failures that a wrong endpoint gives every time. */
const WRONG_ENDPOINT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/**
 * Turns a failure of the AWS SDK into a {@link StorageError}. Nothing of the SDK's error object is kept but its name and
 * message: it holds the request with its signature.
 */
export function s3Failure(error: unknown, context: FailureContext): StorageError {
  const { op, path, backend, bucket, endpoint, signal, reached, retryableStatuses } = context;
  if (error instanceof StorageError) return error;
  if (signal?.aborted) return abortedError(signal, op, path, backend);
  const name = error instanceof Error ? error.name : "";
  const status = statusOf(error);
  const errno = errnoOf(error);
  const meaning = BY_ERRNO[errno] ?? BY_NAME[name] ?? byStatus(status, retryableStatuses);
  const place = `${backend}://${bucket}${path === "" ? "" : `/${path}`}`;
  const make = (code: StorageErrorCode, retry: RetryAdvice | undefined, says: string): StorageError =>
    new StorageError({
      code,
      op,
      path,
      backend,
      retry,
      retryAfterMs: retryAfterOf(error),
      message: `${op} ${place}: ${says}${status === undefined ? "" : ` (HTTP ${status}${name === "" ? "" : ` ${name}`})`}.`,
      cause: causeOf(error, meaning?.code),
    });
  if (meaning !== undefined) return make(meaning.code, meaning.retry, meaning.says);
  if (WRONG_ENDPOINT.has(errno) && !reached) {
    return make(
      "unavailable",
      "never",
      `${endpoint} cannot be reached (${errno}). Check the endpoint and the network`,
    );
  }
  return make(
    "unavailable",
    undefined,
    `the connection to ${endpoint} failed (${errno || name || "unknown reason"})`,
  );
}

/** Whether a failed write may have happened all the same: no answer, or one from somewhere on the way. */
export function isDoubtful(error: StorageError): boolean {
  return error.code === "unavailable" || error.code === "timeout";
}

/** The HTTP status of an SDK error. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("$metadata" in error)) return undefined;
  const { $metadata } = error;
  if (typeof $metadata !== "object" || $metadata === null || !("httpStatusCode" in $metadata))
    return undefined;
  return typeof $metadata.httpStatusCode === "number" ? $metadata.httpStatusCode : undefined;
}

function byStatus(status: number | undefined, retryable: ReadonlySet<number>): Meaning | undefined {
  if (status === undefined) return undefined;
  const meaning = BY_STATUS[status];
  if (retryable.has(status)) return { ...(meaning ?? STORE_FAILED), retry: "safe" };
  return meaning ?? (status >= 500 ? { ...STORE_FAILED, retry: "never" } : undefined);
}

function errnoOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  // Node tries IPv6 and IPv4 and wraps both failures.
  if (error instanceof AggregateError) return errnoOf(error.errors[0]);
  return "";
}

function retryAfterOf(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("$response" in error)) return undefined;
  const response = error.$response;
  if (typeof response !== "object" || response === null || !("headers" in response)) return undefined;
  const headers = response.headers;
  if (typeof headers !== "object" || headers === null || !("retry-after" in headers)) return undefined;
  const seconds = Number(headers["retry-after"]);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : undefined;
}

/** The name and message alone; of a refused login not even the message, which may quote what was sent. */
function causeOf(error: unknown, code: StorageErrorCode | undefined): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  return new Error(
    code === "unauthenticated" || code === "permission_denied"
      ? error.name
      : `${error.name}: ${error.message}`,
  );
}
