import { S3Error } from "../s3-error.ts";

/** Bytes `[start, end)`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Resolves a `Range` header for an object of that size. Returns `undefined` for the whole object: without a header, or with
 * one that HTTP ignores (another unit, several ranges, malformed). Throws `InvalidRange` for a range that begins after the end.
 *
 * @example
 * resolveRange("bytes=-5", 100); // { start: 95, end: 100 }
 */
export function resolveRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = /^\s*bytes=\s*(\d*)\s*-\s*(\d*)\s*$/.exec(header ?? "");
  if (match === null) return undefined;
  const [, first = "", last = ""] = match;
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const length = Math.min(Number(last), size);
    if (length === 0) throw outOfRange(size);
    return { start: size - length, end: size };
  }
  const start = Number(first);
  const end = last === "" ? size : Math.min(Number(last) + 1, size);
  if (last !== "" && Number(last) < start) return undefined;
  if (start >= size) throw outOfRange(size);
  return { start, end };
}

function outOfRange(size: number): S3Error {
  return new S3Error("InvalidRange", "The requested range is not satisfiable", {
    "content-range": `bytes */${size}`,
  });
}
