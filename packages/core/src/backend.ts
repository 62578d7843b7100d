/**
 * `@parquetry/core/backend`: the byte contract without the tables, and what authors of backends, and of tools that work on
 * bytes, build with. It loads no Parquet, no CSV and no schema library, so a command that moves files starts fast.
 */
export {
  abilitiesOf,
  type BackendAbilities,
  type DirectAccess,
  type HashedReads,
  type HashedWrites,
  type LeftoverFile,
  type Leftovers,
  type Renames,
  type ResumableUploads,
  type UnfinishedUpload,
  type UploadState,
  withAbilities,
} from "./bytes/abilities.ts";
export { throwIfAborted } from "./bytes/abort.ts";
export type { BackendCapabilities } from "./bytes/backend-capabilities.ts";
export { bodyCheck } from "./bytes/body-check.ts";
export { resolveRange } from "./bytes/byte-range.ts";
export { checked } from "./bytes/checked.ts";
export { limited } from "./bytes/concurrency/limited.ts";
export { listedInRanges } from "./bytes/concurrency/listed-in-ranges.ts";
export { paced } from "./bytes/concurrency/paced.ts";
export { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./bytes/concurrency/retry-operation.ts";
export { retrying } from "./bytes/concurrency/retrying.ts";
export { type Key, type Prefix, parseKey, parsePrefix } from "./bytes/key.ts";
export { compareKeys } from "./bytes/key-order.ts";
export { listObjects } from "./bytes/list-objects.ts";
export {
  collectBytes,
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
  PutOptions,
  PutResult,
  StorageBackend,
} from "./bytes/storage-backend.ts";
export {
  isStorageError,
  type RetryAdvice,
  StorageError,
  type StorageErrorCode,
} from "./bytes/storage-error.ts";
export { verifiedBody } from "./bytes/verified-body.ts";
export { alreadyExists, preconditionFailed } from "./bytes/write-errors.ts";
