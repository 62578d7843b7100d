import { isStorageError, type StorageError } from "@parquetry/core/backend";

/**
 * Whether reading the source failed in a way that another read may cure: the listed version is gone, or the bytes were
 * damaged or lost on the way. `op` distinguishes both from failures of the target.
 */
export function isRepeatableRead({ code, op }: StorageError): boolean {
  return op === "get" && (code === "precondition_failed" || code === "corrupt");
}

/**
 * Returns the cause of a failed copy: the failure of the source if the object is gone or another read may cure it, since the target
 * may report another error then; else the error itself.
 */
export function causeOf(error: unknown, failureOfSource: unknown): unknown {
  if (!isStorageError(failureOfSource)) return error;
  return failureOfSource.code === "not_found" || isRepeatableRead(failureOfSource) ? failureOfSource : error;
}
