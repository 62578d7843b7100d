import { StorageError } from "@parquetry/core";

/** The error of a command that is asked wrongly. */
export function usage(problem: string, cause?: unknown): StorageError {
  return new StorageError({ code: "invalid_argument", op: "usage", message: `${problem}.`, cause });
}
