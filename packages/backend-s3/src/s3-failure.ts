import type { RetryAdvice } from "@parquetry/core/backend";
import { type Prefix, StorageError, type StorageErrorCode } from "@parquetry/core/backend";
import { abortedError } from "@parquetry/core/unstable";
import { S3Refusal } from "./s3-refusal.ts";

/** The request that failed. */
export interface FailureContext {
  /** The operation of the contract. */
  readonly op: string;
  /** The key or prefix. */
  readonly path: Prefix;
  /** The backend's name. */
  readonly backend: string;
  /** The bucket. */
  readonly bucket: string;
  /** The host of the endpoint. */
  readonly endpoint: string;
  /** The region that requests are signed for. */
  readonly region: string;
  /** The caller's signal. */
  readonly signal?: AbortSignal | undefined;
  /** Whether any request has been answered yet. Before that, an unreachable endpoint is most likely a wrong one. */
  readonly reached: boolean;
  /** The HTTP statuses of temporary failures. */
  readonly retryableStatuses: ReadonlySet<number>;
}

interface Meaning {
  readonly code: StorageErrorCode;
  readonly retry?: RetryAdvice;
  readonly says: string;
}

const CHECK_KEYS = "check the access key and the secret key";

const ACCOUNT = "the account is suspended, or not signed up for the service; ask its owner";

const NO_SPACE = "the store has no space left";

/** Errors of the key service, such as `KMS.DisabledException`, whatever their status. */
const KEY_SERVICE: Meaning = {
  code: "permission_denied",
  says: "the encryption key of the bucket cannot be used; check it, and the permission to use it",
};

/** The meaning of the stores' error codes (AWS: "Error responses", S3 API reference; R2: developers.cloudflare.com/r2/api/error-codes). */
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
  AccountProblem: { code: "unauthenticated", says: ACCOUNT },
  AllAccessDisabled: { code: "unauthenticated", says: ACCOUNT },
  NotSignedUp: { code: "unauthenticated", says: ACCOUNT },
  // radosgw.
  UserSuspended: { code: "unauthenticated", says: ACCOUNT },
  // radosgw, and MinIO by its own names.
  QuotaExceeded: {
    code: "unavailable",
    retry: "never",
    says: "the quota of the bucket or the account is used up",
  },
  XMinioAdminBucketQuotaExceeded: {
    code: "unavailable",
    retry: "never",
    says: "the quota of the bucket is used up",
  },
  XMinioStorageFull: { code: "unavailable", retry: "never", says: NO_SPACE },
  InsufficientStorage: { code: "unavailable", retry: "never", says: NO_SPACE },
  PreconditionFailed: { code: "precondition_failed", says: "the object is another version than requested" },
  ConditionalRequestConflict: { code: "conflict", retry: "safe", says: "another write is in progress" },
  OperationAborted: { code: "conflict", retry: "safe", says: "another operation is in progress" },
  InvalidRange: { code: "invalid_argument", says: "the range starts beyond the object" },
  // Stores on a directory (MinIO, versitygw), where a key cannot be both a file and a folder.
  ObjectParentIsFile: {
    code: "invalid_path",
    says: "part of the key is an object, and this store cannot have both",
  },
  XMinioParentIsObject: {
    code: "invalid_path",
    says: "part of the key is an object, and this store cannot have both",
  },
  KeyTooLongError: { code: "invalid_path", says: "the key is too long" },
  EntityTooLarge: { code: "invalid_argument", says: "the object is larger than the store allows" },
  InvalidBucketName: { code: "invalid_argument", says: "the bucket's name is not valid" },
  SlowDown: { code: "rate_limited", says: "the store asks for fewer requests" },
  TooManyRequests: { code: "rate_limited", says: "the store asks for fewer requests" },
  // The store refused damaged bytes, so nothing was stored and sending them again is safe.
  BadDigest: { code: "corrupt", retry: "safe", says: "the bytes were damaged in transit" },
  XAmzContentSHA256Mismatch: { code: "corrupt", retry: "safe", says: "the bytes were damaged in transit" },
  IncompleteBody: { code: "corrupt", retry: "safe", says: "the body was cut off" },
  RequestTimeout: { code: "timeout", says: "the store did not receive the body in time" },
  InternalError: { code: "unavailable", retry: "safe", says: "the store failed" },
  ServiceUnavailable: { code: "unavailable", retry: "safe", says: "the store failed" },
  NotImplemented: { code: "not_supported", says: "the store does not implement this" },
};

/** The meaning of failures without an answer, by their code or name. */
const BY_CAUSE: Readonly<Record<string, Meaning>> = {
  CredentialsError: {
    code: "unauthenticated",
    says: "no credentials were found; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE",
  },
  ECONNRESET: { code: "unavailable", says: "the connection was closed" },
  EPIPE: { code: "unavailable", says: "the connection was closed" },
  ETIMEDOUT: { code: "timeout", says: "the store did not answer in time" },
  MalformedXml: { code: "unavailable", says: "the store's answer is not XML, or is incomplete" },
  TimeoutError: { code: "timeout", says: "the store did not answer in time" },
};

const BY_STATUS: Readonly<Record<number, Meaning>> = {
  301: {
    code: "invalid_argument",
    says: "the bucket has another address; check the endpoint and the region",
  },
  307: {
    code: "unavailable",
    retry: "safe",
    says: "the bucket was created a moment ago and is not available everywhere yet",
  },
  400: { code: "invalid_argument", says: "the store rejected the request" },
  401: { code: "unauthenticated", says: `the store rejected the credentials; ${CHECK_KEYS}` },
  403: {
    code: "permission_denied",
    says: `access is denied; ${CHECK_KEYS}, and the key's permissions on the bucket`,
  },
  404: { code: "not_found", says: "there is no such object or bucket" },
  408: { code: "timeout", says: "the store did not receive the request in time" },
  409: { code: "conflict", retry: "safe", says: "another write is in progress" },
  412: { code: "precondition_failed", says: "the object is another version than requested" },
  416: { code: "invalid_argument", says: "the range starts beyond the object" },
  429: { code: "rate_limited", says: "the store asks for fewer requests" },
  501: { code: "not_supported", says: "the store does not implement this" },
};

/** The stores' codes for a signature of another region than that of the bucket. */
const WRONG_REGION: ReadonlySet<string> = new Set(["PermanentRedirect", "AuthorizationHeaderMalformed"]);

const STORE_FAILED: Meaning = { code: "unavailable", says: "the store failed" };

const UNREACHABLE = "cannot be reached. Check the endpoint and the network";
const UNTRUSTED =
  "has a certificate that this machine does not trust. Check the endpoint, or set NODE_EXTRA_CA_CERTS";

/** Connection failures that a wrong endpoint causes every time. */
const WRONG_ENDPOINT: Readonly<Record<string, string>> = {
  ECONNREFUSED: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  EPROTO: "does not speak TLS. Is its endpoint http and not https?",
  ERR_TLS_CERT_ALTNAME_INVALID: "has the certificate of another host. Check the endpoint",
  CERT_HAS_EXPIRED: "has a certificate that has expired. Check the endpoint, and this machine's clock",
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
};

/** Turns a failure into a {@link StorageError} that says what failed and what to do. */
export function s3Failure(error: unknown, context: FailureContext): StorageError {
  const { op, path, backend, bucket, signal } = context;
  if (error instanceof StorageError) return error;
  if (signal?.aborted) return abortedError(signal, op, path, backend);
  const refusal = error instanceof S3Refusal ? error : undefined;
  const { code, retry, says } = refusal ? meaningOf(refusal, context) : failureToAnswer(error, context);
  const place = `${backend}://${bucket}${path === "" ? "" : `/${path}`}`;
  const answer = [refusal?.status && `HTTP ${refusal.status}`, refusal?.code].filter(Boolean).join(" ");
  return new StorageError({
    code,
    op,
    path,
    backend,
    retry,
    storeCode: refusal?.code || undefined,
    retryAfterMs: refusal?.retryAfterMs,
    message: `${op} ${place}: ${says}${answer === "" ? "" : ` (${answer})`}.`,
    cause: causeOf(error, code),
  });
}

function meaningOf({ status, code, region }: S3Refusal, context: FailureContext): Meaning {
  if (region !== undefined && region !== context.region && (status === 301 || status === 400)) {
    const says = `the bucket is in the region ${region}, not ${context.region}; set the region`;
    return { code: "invalid_argument", says };
  }
  if (WRONG_REGION.has(code)) {
    const says = `the bucket is not in the region ${context.region}; set its region`;
    return { code: "invalid_argument", says };
  }
  if (code.startsWith("KMS.")) return KEY_SERVICE;
  return BY_NAME[code] ?? byStatus(status, context.retryableStatuses) ?? STORE_FAILED;
}

function failureToAnswer(error: unknown, { endpoint, reached }: FailureContext): Meaning {
  const errno = errnoOf(error);
  const name = error instanceof Error ? error.name : "";
  const meaning = BY_CAUSE[errno] ?? BY_CAUSE[name];
  if (meaning !== undefined) return meaning;
  const wrong = WRONG_ENDPOINT[errno];
  if (wrong !== undefined && !reached) {
    return { code: "unavailable", retry: "never", says: `${endpoint} ${wrong} (${errno})` };
  }
  return {
    code: "unavailable",
    says: `the connection to ${endpoint} failed (${errno || name || "unknown reason"})`,
  };
}

/** Whether a failed write may have succeeded: the answer is missing, or came from a proxy. */
export function isDoubtful(error: StorageError): boolean {
  return error.code === "unavailable" || error.code === "timeout";
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

/** A cause that holds no objects. For refused credentials it leaves out the store's message, which may quote them. */
function causeOf(error: unknown, code: StorageErrorCode): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  const name = error instanceof S3Refusal && error.code !== "" ? error.code : error.name;
  const isLogin = code === "unauthenticated" || code === "permission_denied";
  return new Error(isLogin && error instanceof S3Refusal ? name : `${name}: ${error.message}`);
}
