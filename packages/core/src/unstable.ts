/**
 * `@parquetry/core/unstable`: what the other packages of Parquetry share with core, without the tables. No promise is made
 * between versions: a name may change or go in any release.
 */

export type {
  HashedBytes,
  HashedPutOptions,
  LimitedTransfers,
  ObjectAccess,
  ResumableUploadOptions,
  UploadedPart,
} from "./bytes/abilities.ts";
export { abortedError, onAbort, unlessAborted } from "./bytes/abort.ts";
export type { BodyCheck } from "./bytes/body-check.ts";
export { checkRange, rangeBeyondEnd } from "./bytes/byte-range.ts";
export { defaultCacheDirectory } from "./bytes/cache-directory.ts";
export {
  arrayOf,
  type CustomKind,
  checkArgument,
  checkOptions,
  either,
  invalid,
  isOfKind,
  isPlainObject,
  type OptionKind,
  type OptionKinds,
  objectWith,
  oneOf,
  showBriefly,
} from "./bytes/check-arguments.ts";
export { checkBackend } from "./bytes/check-backend.ts";
export {
  CONCURRENCY_CONTROL_KIND,
  type ConcurrencyControl,
  createAdaptiveConcurrency,
  fixedConcurrency,
} from "./bytes/concurrency/adaptive-concurrency.ts";
export { DEFAULT_MAX_CONCURRENT, type LimitOptions } from "./bytes/concurrency/adaptive-limit.ts";
export {
  type BandwidthLimiter,
  createBandwidthLimiter,
  createTransferLimits,
  type TransferLimits,
} from "./bytes/concurrency/bandwidth-limiter.ts";
export { createByteBudget } from "./bytes/concurrency/byte-budget.ts";
export { forEachConcurrent } from "./bytes/concurrency/for-each-concurrent.ts";
export { mapConcurrent, mapOrdered } from "./bytes/concurrency/map-concurrent.ts";
export { RETRY_OPTIONS, retryOperation } from "./bytes/concurrency/retry-operation.ts";
export { forEachYielding, isYieldDue, yieldIfDue } from "./bytes/concurrency/yield-if-due.ts";
export { deleteAll } from "./bytes/delete-all.ts";
export { NO_ANSWER, type NoAnswer, traced } from "./bytes/diagnostics.ts";
export { DOCS_URL, helpUrl } from "./bytes/docs-url.ts";
export { explainInvalidKey, isWithin, joinKey, MAX_KEY_BYTES } from "./bytes/key.ts";
export { isReplayable, reusedMemory } from "./bytes/object-body.ts";
export { isAbandoned, ownerState, processOwner, UNKNOWN_OWNER_AGE_MS } from "./bytes/process-owner.ts";
export type { Preconditions, SkippedEntry, UnreadableEntry } from "./bytes/storage-backend.ts";
export { suggest } from "./bytes/suggest.ts";
export { bodyMismatch } from "./bytes/write-errors.ts";
export { decodeHive, encodeHive, encodeHiveValue, HIVE_NULL } from "./hive/codec.ts";
export { parsePartitionSegment } from "./hive/partition.ts";
export {
  EXACT_DIGITS,
  exactDate,
  exactDecimal,
  exactInteger,
  exactTimestamp,
  timestampText,
} from "./parquet/exact-values.ts";
