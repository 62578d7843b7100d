import { isStorageError, type StorageErrorCode } from "@parquetry/core/backend";

/** Done, and everything is equal. */
export const EXIT_OK = 0;
/** Done as far as possible: files differ, failed or cannot be proven; a query or a partition failed. */
export const EXIT_INCOMPLETE = 1;
/** Wrong usage or configuration, or a store that cannot be reached or opened: nothing was begun. */
export const EXIT_USAGE = 2;
/** Ended by Ctrl-C. */
export const EXIT_INTERRUPTED = 130;

/** Codes of work that was begun and failed; all others mean that it could not begin. */
const BEGUN: ReadonlySet<StorageErrorCode> = new Set([
  "aborted",
  "conflict",
  "corrupt",
  "outcome_unknown",
  "precondition_failed",
]);

/** The exit code of a command that ends with an error. */
export function exitCodeOf(error: unknown): number {
  if (!isStorageError(error)) return EXIT_INCOMPLETE;
  // A time limit that the caller set has passed; a store that does not answer may be asked again.
  if (error.code === "timeout" && error.retry === "never") return EXIT_INCOMPLETE;
  return BEGUN.has(error.code) ? EXIT_INCOMPLETE : EXIT_USAGE;
}
