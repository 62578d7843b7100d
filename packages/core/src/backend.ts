/**
 * `@parquetry/core/backend`: the byte contract without the tables, and what authors of backends, and of tools that work on
 * bytes, build with. It loads no Parquet, no CSV and no schema library: a command that moves files starts without them.
 */
export { abortedError, onAbort, throwIfAborted, unlessAborted } from "./backend/abort.ts";
export type { BackendCapabilities } from "./backend/backend-capabilities.ts";
export { type BodyCheck, bodyCheck } from "./backend/body-check.ts";
export { checkRange, rangeBeyondEnd, resolveRange } from "./backend/byte-range.ts";
export { type DirectlyAccessible, isDirectlyAccessible, type ObjectAccess } from "./backend/object-access.ts";
export {
  collectBytes,
  isReplayable,
  type ObjectBody,
  objectBody,
  openBody,
  type PutBody,
  type ReplayableBody,
} from "./backend/object-body.ts";
export type {
  ByteRange,
  CopyOptions,
  DeleteResult,
  GetOptions,
  GetResult,
  ListOptions,
  ListPage,
  ObjectInfo,
  OperationOptions,
  Preconditions,
  PutOptions,
  PutResult,
  SkippedEntry,
  StorageBackend,
  UnreadableEntry,
} from "./backend/storage-backend.ts";
export { verifiedBody } from "./backend/verified-body.ts";
export { alreadyExists, bodyMismatch, preconditionFailed } from "./backend/write-errors.ts";
export { checkBackend, checkOptions, invalid, type OptionKind, type OptionNames } from "./check-arguments.ts";
export { mapConcurrent, mapOrdered } from "./concurrency.ts";
export { decodeHive, HIVE_NULL } from "./hive/codec.ts";
export { parsePartitionSegment } from "./hive/partition.ts";
export {
  isWithin,
  joinKey,
  type Key,
  MAX_KEY_BYTES,
  type Prefix,
  parseKey,
  parsePrefix,
  whyNotAKey,
} from "./key.ts";
export { compareKeys } from "./key-order.ts";
export { isStorageError, type RetryAdvice, StorageError, type StorageErrorCode } from "./storage-error.ts";
export { limited } from "./wrappers/limited.ts";
export { paced } from "./wrappers/paced.ts";
export { prefixed } from "./wrappers/prefixed.ts";
export {
  DEFAULT_RETRY_POLICY,
  type RetryPolicy,
  retryOperation,
  waitOrThrow,
} from "./wrappers/retry-operation.ts";
export { retrying } from "./wrappers/retrying.ts";
