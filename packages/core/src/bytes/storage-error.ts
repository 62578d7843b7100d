/**
 * What went wrong, as one word that a program can branch on.
 *
 * | code | meaning | retry |
 * | --- | --- | --- |
 * | `not_found` | no object, bucket, root or entity of that name | never |
 * | `already_exists` | a create-only put found an object | never |
 * | `conflict` | another writer committed first | never (read again, then decide) |
 * | `precondition_failed` | `ifMatch` did not hold | never |
 * | `permission_denied` | known identity, forbidden action | never |
 * | `unauthenticated` | missing, wrong or expired credentials | never |
 * | `rate_limited` | the store asked to slow down | safe |
 * | `unavailable` | unreachable, overloaded or vanished | safe |
 * | `timeout` | no answer, or a stalled body, within the limit | safe |
 * | `aborted` | the caller's `signal` fired | never |
 * | `corrupt` | bytes that are not what they claim to be | never |
 * | `invalid_path` | a key, prefix or partition that cannot be one | never |
 * | `invalid_argument` | a value the call cannot take | never |
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

/** `never`: the same call fails again. `safe`: repeat it freely. `unsafe`: look first, the call may have had its effect. */
export type RetryAdvice = "never" | "safe" | "unsafe";

/** The facts of a {@link StorageError}. */
export interface StorageErrorOptions {
  /** What went wrong. */
  readonly code: StorageErrorCode;
  /** The operation, by its name in the contract: `get`, `put`, `list`, `readParquet`, … */
  readonly op: string;
  /** What failed, on what, what was expected and found, and what to do next. Never a secret or a signed URL. */
  readonly message: string;
  /** The key, prefix or partition the operation was about. */
  readonly path?: string | undefined;
  /** The backend's name: `local`, `s3`, `r2`, `memory`. */
  readonly backend?: string | undefined;
  /** Whether repeating may help. Default: what the code implies. */
  readonly retry?: RetryAdvice | undefined;
  /** The store's own name for the failure: `NoSuchBucket`, `InvalidRange`, `EACCES`, or DuckDB's error type. */
  readonly storeCode?: string | undefined;
  /** How often it was tried. Default 1. */
  readonly attempts?: number | undefined;
  /** How long the store asked to wait before the next try, in milliseconds. */
  readonly retryAfterMs?: number | undefined;
  /** The error beneath, free of secrets. */
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
  /** What went wrong. */
  readonly code: StorageErrorCode;
  /** The operation that failed. */
  readonly op: string;
  /** The key, prefix or partition, where there is one. */
  readonly path: string | undefined;
  /** The backend's name, where one was involved. */
  readonly backend: string | undefined;
  /** Whether repeating may help. */
  readonly retry: RetryAdvice;
  /** The store's own name for the failure, where there is one: `NoSuchBucket`, `EACCES`. Branch on it, never on the message. */
  readonly storeCode: string | undefined;
  /** How often it was tried. */
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
 * True for a {@link StorageError}, of the given code where one is given. Works across copies of this package.
 *
 * @example
 * ```ts
 * if (isStorageError(error, "conflict")) await retry();
 * ```
 */
export function isStorageError(error: unknown, code?: StorageErrorCode): error is StorageError {
  return (
    error instanceof Error &&
    error.name === "StorageError" &&
    (code === undefined || ("code" in error && error.code === code))
  );
}
