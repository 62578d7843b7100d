import type { Key } from "./key.ts";
import { StorageError } from "./storage-error.ts";

/** The error of a failed `ifNoneMatch: "*"`, the same on every backend. */
export function alreadyExists(backend: string, op: string, key: Key): StorageError {
  return new StorageError({
    code: "already_exists",
    op,
    path: key,
    backend,
    message: `${op}: ${key} exists already, and was to be created only.`,
  });
}

/** The error of a failed `ifMatch`, the same on every backend. */
export function preconditionFailed(
  backend: string,
  op: string,
  key: Key,
  expected: string,
  found?: string,
): StorageError {
  return new StorageError({
    code: "precondition_failed",
    op,
    path: key,
    backend,
    message: `${op}: ${key} is not the version asked for (ETag ${expected} expected, ${found ?? "another or none"} found). Read it again.`,
  });
}

/** The error of a body whose hash (`SHA-256` or `MD5`, in hex) is not the announced one. */
export function bodyMismatch(
  backend: string,
  key: Key,
  hash: string,
  expected: string,
  actual: string,
): StorageError {
  return new StorageError({
    code: "corrupt",
    op: "put",
    path: key,
    backend,
    message: `put: the body for ${key} has ${hash} ${actual}, ${expected} was announced; nothing was stored.`,
  });
}
