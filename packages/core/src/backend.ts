/** `@parquetry/core/backend`: what authors of backends, and of tools that work on bytes, build with. */
export { abortedError, throwIfAborted } from "./backend/abort.ts";
export { type BodyCheck, bodyCheck } from "./backend/body-check.ts";
export { checkRange, rangeBeyondEnd, resolveRange } from "./backend/byte-range.ts";
export { collectBytes, isReplayable, objectBody, openBody } from "./backend/object-body.ts";
export { verifiedBody } from "./backend/verified-body.ts";
export { alreadyExists, bodyMismatch, preconditionFailed } from "./backend/write-errors.ts";
export { mapConcurrent, mapOrdered } from "./concurrency.ts";
export { type ChunkPlace, chunkLayout, type RowGroupPlace } from "./parquet/chunk-layout.ts";
export { retryOperation, waitOrThrow } from "./wrappers/retry-operation.ts";
