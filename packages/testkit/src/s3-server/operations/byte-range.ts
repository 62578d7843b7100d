import { S3Error } from "../s3-error.ts";

/** Bytes `[start, end)`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Reads a `Range` header against an object's size. `undefined` means the whole object: no header, or one that
 * HTTP says to ignore (another unit, several ranges, nonsense). A range that begins beyond the end throws
 * `InvalidRange`.
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
