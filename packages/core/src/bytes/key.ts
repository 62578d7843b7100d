import { Buffer } from "#platform";
import { showValue } from "./show-value.ts";
import { StorageError } from "./storage-error.ts";

declare const keyBrand: unique symbol;

/**
 * The name of an object: a `/`-separated relative path of non-empty segments, none of them `.` or `..`, at most
 * {@link MAX_KEY_BYTES} bytes of UTF-8. Only a backend encodes it, for the wire.
 */
export type Key = string & { readonly [keyBrand]: true };

/** The start of the keys that a listing returns: a {@link Key} that matches whole segments, or `""` for everything. */
export type Prefix = Key | "";

/** The longest key that S3 and R2 allow, in UTF-8 bytes. */
export const MAX_KEY_BYTES = 1024;

/**
 * Parses a caller's path into a {@link Key}.
 *
 * @throws StorageError `invalid_path` if it is empty, absolute or too long, or has an empty, `.` or `..` segment.
 * @example
 * ```ts
 * parseKey("raw/games/year=2024/data.parquet"); // fine
 * parseKey("../secrets"); // throws invalid_path
 * ```
 */
export function parseKey(path: string, op = "parseKey"): Key {
  const reason = explainInvalidKey(path);
  if (reason !== undefined) {
    throw new StorageError({
      code: "invalid_path",
      op,
      path: typeof path === "string" ? path : undefined,
      message:
        `${op}: ${showValue(path)} is not a key: ${reason}. ` +
        "Expected a relative path such as raw/games/year=2024/data.parquet.",
    });
  }
  // Checked above.
  return path as Key;
}

/**
 * Parses a caller's path into a {@link Prefix}. One trailing `/` is allowed and dropped.
 *
 * @throws StorageError `invalid_path` as {@link parseKey}.
 * @example
 * ```ts
 * parsePrefix("raw/"); // "raw"
 * parsePrefix(""); // everything
 * ```
 */
export function parsePrefix(path: string, op = "parsePrefix"): Prefix {
  if (path === "") return "";
  return parseKey(typeof path === "string" && path.endsWith("/") ? path.slice(0, -1) : path, op);
}

/**
 * Joins a prefix and a relative path into a {@link Key}.
 *
 * @throws StorageError `invalid_path` if the result is not a key.
 * @example
 * ```ts
 * joinKey("raw/games", "year=2024"); // "raw/games/year=2024"
 * ```
 */
export function joinKey(prefix: Prefix, path: string): Key {
  return parseKey(prefix === "" || typeof path !== "string" ? path : `${prefix}/${path}`, "joinKey");
}

/**
 * Returns true if `key` is `prefix` or below it, by whole segments: `a/week=1` contains `a/week=1/x`, never `a/week=10/x`.
 *
 * @example
 * ```ts
 * isWithin("a/week=1", "a/week=10/data.parquet"); // false
 * ```
 */
export function isWithin(prefix: string, key: string): boolean {
  return prefix === "" || key === prefix || (key.startsWith(prefix) && key[prefix.length] === "/");
}

/** A segment that is empty, `.` or `..`; or a NUL character. */
const INVALID_SEGMENT = /(?:^|\/)\.{0,2}(?:\/|$)|\0/;

/**
 * Explains why a value is not a {@link Key}, or returns undefined where it is one.
 *
 * @example
 * ```ts
 * explainInvalidKey("a//b"); // "it has an empty segment (a doubled or trailing /)"
 * ```
 */
export function explainInvalidKey(path: unknown): string | undefined {
  if (typeof path !== "string")
    return `it is ${path === null ? "null" : `of type ${typeof path}`}, not a string`;
  if (path === "") return "it is empty";
  if (INVALID_SEGMENT.test(path)) {
    if (path.startsWith("/")) return "it is absolute";
    if (path.includes("\0")) return "it contains a NUL character";
    const dots = path.split("/").find((segment) => segment === "." || segment === "..");
    return dots === undefined
      ? "it has an empty segment (a doubled or trailing /)"
      : `its segment ${JSON.stringify(dots)} would lead elsewhere`;
  }
  if (!path.isWellFormed()) return "it contains half a surrogate pair, which UTF-8 cannot express";
  if (path.length > MAX_KEY_BYTES / 3) {
    const bytes = Buffer.byteLength(path);
    if (bytes > MAX_KEY_BYTES)
      return `it is ${bytes} bytes long, more than the ${MAX_KEY_BYTES} that S3 and R2 allow`;
  }
  return undefined;
}
