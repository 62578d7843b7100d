/**
 * `@parquetry/core/backend`: the byte contract without the tables, and what authors of backends, and of tools that work on
 * bytes, build with. It loads no Parquet, no CSV and no schema library: a command that moves files starts without them.
 */
export {
  abilitiesOf,
  type BackendAbilities,
  type DirectAccess,
  type HashedBytes,
  type HashedReads,
  type ObjectAccess,
  type ResumableUploadOptions,
  type ResumableUploads,
  type UnfinishedUpload,
  type UploadedPart,
  type UploadState,
  withAbilities,
} from "./bytes/abilities.ts";
export { abortedError, onAbort, throwIfAborted, unlessAborted } from "./bytes/abort.ts";
export type { BackendCapabilities } from "./bytes/backend-capabilities.ts";
export { type BodyCheck, bodyCheck } from "./bytes/body-check.ts";
export { checkRange, rangeBeyondEnd, resolveRange } from "./bytes/byte-range.ts";
export { defaultCacheDirectory } from "./bytes/cache-directory.ts";
export {
  type CustomKind,
  checkBackend,
  checkOptions,
  either,
  invalid,
  type OptionKind,
  type OptionKinds,
  oneOf,
} from "./bytes/check-arguments.ts";
export { checked } from "./bytes/checked.ts";
export { limited } from "./bytes/concurrency/limited.ts";
export { mapConcurrent, mapOrdered } from "./bytes/concurrency/map-concurrent.ts";
export { paced } from "./bytes/concurrency/paced.ts";
export {
  DEFAULT_RETRY_POLICY,
  type RetryPolicy,
  retryOperation,
} from "./bytes/concurrency/retry-operation.ts";
export { retrying } from "./bytes/concurrency/retrying.ts";
export {
  explainInvalidKey,
  isWithin,
  joinKey,
  type Key,
  MAX_KEY_BYTES,
  type Prefix,
  parseKey,
  parsePrefix,
} from "./bytes/key.ts";
export { compareKeys } from "./bytes/key-order.ts";
export {
  collectBytes,
  isReplayable,
  type ObjectBody,
  objectBody,
  openBody,
  type PutBody,
  type ReplayableBody,
} from "./bytes/object-body.ts";
export { prefixed } from "./bytes/prefixed.ts";
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
} from "./bytes/storage-backend.ts";
export {
  isStorageError,
  type RetryAdvice,
  StorageError,
  type StorageErrorCode,
} from "./bytes/storage-error.ts";
export { verifiedBody } from "./bytes/verified-body.ts";
export { alreadyExists, bodyMismatch, preconditionFailed } from "./bytes/write-errors.ts";
export { decodeHive, HIVE_NULL } from "./hive/codec.ts";
export { parsePartitionSegment } from "./hive/partition.ts";
