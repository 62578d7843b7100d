import { checkArgument, isPlainObject } from "./check-arguments.ts";
import type { Key } from "./key.ts";
import { showValue } from "./show-value.ts";
import type { ByteRange } from "./storage-backend.ts";
import { StorageError } from "./storage-error.ts";

/**
 * Turns a requested range into absolute offsets in an object of `sizeBytes`, `end` excluded.
 *
 * @throws StorageError `invalid_argument` if the range is malformed or starts at or beyond the end.
 * @example
 * ```ts
 * resolveRange({ last: 8 }, 100, key, "mine"); // { start: 92, end: 100 }
 * ```
 */
export function resolveRange(
  range: ByteRange | undefined,
  sizeBytes: number,
  key: Key,
  backend: string,
): { readonly start: number; readonly end: number } {
  if (range === undefined) return { start: 0, end: sizeBytes };
  checkRange(range, key, backend);
  checkArgument(sizeBytes, "bytes", "sizeBytes", "resolveRange");
  const start = "last" in range ? Math.max(0, sizeBytes - range.last) : range.start;
  const end = "last" in range ? sizeBytes : Math.min(range.end ?? sizeBytes, sizeBytes);
  if (start >= sizeBytes) throw rangeBeyondEnd(range, sizeBytes, key, backend);
  return { start, end };
}

/**
 * Checks a range without the object's size.
 *
 * @throws StorageError `invalid_argument` if it is malformed or empty.
 * @example
 * ```ts
 * if (range !== undefined) checkRange(range, key, "mine");
 * ```
 */
export function checkRange(range: ByteRange, key: Key, backend: string): void {
  const ok =
    isPlainObject(range) &&
    ("last" in range
      ? Number.isSafeInteger(range.last) && range.last > 0
      : Number.isSafeInteger(range.start) &&
        range.start >= 0 &&
        (range.end === undefined || (Number.isSafeInteger(range.end) && range.end > range.start)));
  if (!ok) {
    throw new StorageError({
      code: "invalid_argument",
      op: "get",
      path: key,
      backend,
      message: `get ${key}: ${showValue(range)} is not a range; expected { start, end } with 0 <= start < end, or { last } with last > 0.`,
    });
  }
}

/**
 * Returns the error of a range that starts beyond the object.
 *
 * @param sizeBytes the object's size, where it is known.
 * @example
 * ```ts
 * if (status === 416) throw rangeBeyondEnd(range, undefined, key, "mine");
 * ```
 */
export function rangeBeyondEnd(
  range: ByteRange,
  sizeBytes: number | undefined,
  key: Key,
  backend: string,
): StorageError {
  const size = sizeBytes === undefined ? "the object" : `the object's ${sizeBytes} bytes`;
  return new StorageError({
    code: "invalid_argument",
    op: "get",
    path: key,
    backend,
    message: `get ${key}: the range ${showValue(range)} starts beyond ${size}.`,
  });
}
