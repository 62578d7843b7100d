import type { Key } from "./key.ts";
import { StorageError } from "./storage-error.ts";

/**
 * Returns the error of a failed `ifNoneMatch: "*"`, the same on every backend.
 *
 * @example
 * ```ts
 * if (objects.has(key)) throw alreadyExists("mine", "put", key);
 * ```
 */
export function alreadyExists(backend: string, op: string, key: Key): StorageError {
  return new StorageError({
    code: "already_exists",
    op,
    path: key,
    backend,
    message: `${op}: ${key} already exists (ifNoneMatch: "*").`,
  });
}

/**
 * Returns the error of a failed `ifMatch`, the same on every backend.
 *
 * @param found the object's ETag, where it is known.
 * @example
 * ```ts
 * if (etag !== ifMatch) throw preconditionFailed("mine", "put", key, ifMatch, etag);
 * ```
 */
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
    message: `${op}: ${key} is another version: expected ETag ${expected}, found ${found ?? "another or none"}. Read it again.`,
  });
}

/**
 * Returns the error of a put whose body has another hash than announced.
 *
 * @param hash `SHA-256` or `MD5`; `expected` and `actual` are in hex.
 * @example
 * ```ts
 * if (actual !== options.md5) throw bodyMismatch("mine", key, "MD5", options.md5, actual);
 * ```
 */
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
    message: `put: the body for ${key} has ${hash} ${actual}, expected ${expected}; nothing was stored.`,
  });
}
