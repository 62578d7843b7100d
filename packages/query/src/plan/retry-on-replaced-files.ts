import { isStorageError } from "@parquetry/core";

/** How often a query looks again because files that it had listed were replaced or deleted before it read them. */
export const MAX_LOOKS = 4;

/** True for the errors that a writer leaves to those who had listed its old files. */
export function isMovingFile(error: unknown): boolean {
  return isStorageError(error, "not_found") || isStorageError(error, "precondition_failed");
}
