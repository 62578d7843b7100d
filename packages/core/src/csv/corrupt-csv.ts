import { StorageError } from "../bytes/storage-error.ts";

/** Returns the error of a file that is not a CSV file. */
export function corruptCsv(name: string, problem: string, cause?: unknown): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "readCsv",
    path: name,
    message: `${name} is not a readable CSV file: ${problem}.`,
    cause,
  });
}
