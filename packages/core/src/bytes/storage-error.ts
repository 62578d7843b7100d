/**
 * The kind of failure, for a program to branch on.
 *
 * | code | meaning | retry |
 * | --- | --- | --- |
 * | `not_found` | the object, bucket, root or entity does not exist | never |
 * | `already_exists` | a create-only put found an object | never |
 * | `conflict` | another writer committed first | never (read again, then decide) |
 * | `precondition_failed` | `ifMatch` did not hold | never |
 * | `permission_denied` | known identity, forbidden action | never |
 * | `unauthenticated` | missing, wrong or expired credentials | never |
 * | `rate_limited` | the store asked to slow down | safe |
 * | `unavailable` | unreachable, overloaded or gone | safe |
 * | `timeout` | no answer, or a stalled body, within the limit | safe |
 * | `aborted` | the caller's `signal` fired | never |
 * | `corrupt` | the bytes are damaged, or differ from their hash or size | never |
 * | `invalid_path` | not a valid key, prefix or partition | never |
 * | `invalid_argument` | an argument or option that the call does not accept | never |
 * | `not_supported` | the backend or the file format cannot do it | never |
 * | `outcome_unknown` | a write may or may not have happened | unsafe |
 */
export type StorageErrorCode =
  | "not_found"
  | "already_exists"
  | "conflict"
  | "precondition_failed"
  | "permission_denied"
  | "unauthenticated"
  | "rate_limited"
  | "unavailable"
  | "timeout"
  | "aborted"
  | "corrupt"
  | "invalid_path"
  | "invalid_argument"
  | "not_supported"
  | "outcome_unknown";

/** `never`: the same call fails again. `safe`: it may be repeated. `unsafe`: it may have taken effect, so check first. */
export type RetryAdvice = "never" | "safe" | "unsafe";

/** The fields of a {@link StorageError}. */
export interface StorageErrorOptions {
  /** The kind of failure. */
  readonly code: StorageErrorCode;
  /** The operation, by its name in the contract: `get`, `put`, `list`, `readParquet`, … */
  readonly op: string;
  /** Says what failed on which object, what was expected and found, and what to do next. Never holds a secret or a signed URL. */
  readonly message: string;
  /** The key, prefix or partition the operation was about. */
  readonly path?: string | undefined;
  /** The backend's name: `local`, `s3`, `r2`, `memory`. */
  readonly backend?: string | undefined;
  /** Whether repeating may help. Default: as the code implies. */
  readonly retry?: RetryAdvice | undefined;
  /** The store's own name for the failure: `NoSuchBucket`, `InvalidRange`, `EACCES`, or DuckDB's error type. */
  readonly storeCode?: string | undefined;
  /** The number of attempts. Default 1. */
  readonly attempts?: number | undefined;
  /** How long the store asked to wait before the next try, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** The underlying error, free of secrets. */
  readonly cause?: unknown;
}

const RETRY_BY_CODE: Partial<Record<StorageErrorCode, RetryAdvice>> = {
  rate_limited: "safe",
  unavailable: "safe",
  timeout: "safe",
  outcome_unknown: "unsafe",
};

/**
 * The one error class of Parquetry.
 *
 * @example
 * ```ts
 * try {
 *   await storage.readParquet("raw/games/missing.parquet");
 * } catch (error) {
 *   if (isStorageError(error, "not_found")) console.log(`no ${error.path} on ${error.backend}`);
 *   else throw error;
 * }
 * ```
 */
export class StorageError extends Error {
  override readonly name = "StorageError";
  /** The kind of failure. */
  readonly code: StorageErrorCode;
  /** The operation that failed. */
  readonly op: string;
  /** The key, prefix or partition, where there is one. */
  readonly path: string | undefined;
  /** The backend's name, if one was involved. */
  readonly backend: string | undefined;
  /** Whether repeating may help. */
  readonly retry: RetryAdvice;
  /** The store's own name for the failure, where there is one: `NoSuchBucket`, `EACCES`. Branch on it, never on the message. */
  readonly storeCode: string | undefined;
  /** The number of attempts. */
  readonly attempts: number;
  /** How long the store asked to wait before the next try, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(options: StorageErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.op = options.op;
    this.path = options.path;
    this.backend = options.backend;
    this.retry = options.retry ?? RETRY_BY_CODE[options.code] ?? "never";
    this.storeCode = options.storeCode;
    this.attempts = options.attempts ?? 1;
    this.retryAfterMs = options.retryAfterMs;
  }

  /** The facts without the stack or the cause, for logs and `--json`. */
  toJSON(): Record<string, unknown> {
    const { code, op, path, backend, retry, attempts, storeCode, message } = this;
    return { code, op, path, backend, retry, attempts, storeCode, message };
  }
}

/**
 * Returns true for a {@link StorageError}, of the given code if one is passed. Works across copies of this package.
 *
 * @example
 * ```ts
 * if (isStorageError(error, "conflict")) await retry();
 * ```
 */
export function isStorageError(error: unknown, code?: StorageErrorCode): error is StorageError {
  try {
    return (
      error instanceof Error &&
      error.name === "StorageError" &&
      (code === undefined || ("code" in error && error.code === code))
    );
  } catch {
    // A proxy that throws.
    return false;
  }
}
