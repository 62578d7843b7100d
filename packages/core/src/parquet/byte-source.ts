import { createHash } from "node:crypto";
import type { Key } from "../bytes/key.ts";
import type { ObjectInfo, OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";

/** A file that is read by byte ranges. */
export interface ByteSource {
  /** Names it in errors. */
  readonly name: string;
  /** Its size in bytes. */
  readonly byteLength: number;
  /** The bytes from `start` up to, not including, `end` (default: the end). A negative start counts from the end. */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/** Files up to this many bytes are fetched whole: one request, where footer and columns would be two or more. */
export const WHOLE_FILE_BYTES: number = 1024 * 1024;

/** How much of the end of a larger file is fetched first, in bytes: footers rarely need more. */
export const FOOTER_BYTES: number = 64 * 1024;

/** What of an object must be known to read it: without it, the first request finds out. */
export type KnownObject = Pick<ObjectInfo, "sizeBytes" | "etag">;

/** What a manifest says of a file's bytes. */
export interface ExpectedContent {
  /** Its size in bytes. */
  readonly bytes: number;
  /** The SHA-256 of its bytes, in hex. */
  readonly sha256: string;
}

/**
 * Opens an object for reading by ranges. One request fetches a small object whole, and the end of a large one. Later
 * ranges are read from the same version: a file that is replaced meanwhile is `precondition_failed`, never a mixture.
 *
 * A file that is fetched whole is held against what `expected` says of it: a byte that has changed since it was written is
 * found here, and not in what a decoder makes of it. Of a larger file only the size is.
 *
 * @throws StorageError `not_found` and what else the backend throws; `corrupt` where the bytes are not as expected.
 * @example
 * ```ts
 * const source = await openByteSource(backend, key);
 * const footer = await source.slice(-8);
 * ```
 */
export async function openByteSource(
  backend: StorageBackend,
  key: Key,
  options: OperationOptions & {
    readonly known?: KnownObject | undefined;
    readonly expected?: ExpectedContent | undefined;
  } = {},
): Promise<ByteSource> {
  const { known, signal } = options;
  const name = backend.url(key);
  const whole = known !== undefined && known.sizeBytes <= WHOLE_FILE_BYTES;
  const last = known === undefined ? WHOLE_FILE_BYTES : FOOTER_BYTES;
  const range = whole ? undefined : { last };
  let tail: Uint8Array;
  let info: KnownObject;
  try {
    const opened = await backend.get(key, { range, ifMatch: known?.etag, signal });
    tail = await opened.body.bytes();
    info = opened.info;
  } catch (error) {
    // The last bytes of an empty object are a range that it does not have.
    if (!isStorageError(error, "invalid_argument")) throw error;
    tail = new Uint8Array();
    info = { sizeBytes: 0, etag: "" };
  }
  const { sizeBytes, etag } = info;
  const tailStart = sizeBytes - tail.byteLength;
  if (options.expected !== undefined) checkContent(name, sizeBytes, tail, options.expected);

  return {
    name,
    byteLength: sizeBytes,
    async slice(from, to = sizeBytes) {
      const start = Math.max(0, from < 0 ? sizeBytes + from : from);
      const end = Math.min(to, sizeBytes);
      if (end <= start) return new ArrayBuffer(0);
      if (start >= tailStart) return copyOf(tail.subarray(start - tailStart, end - tailStart));
      const { body } = await backend.get(key, { range: { start, end }, ifMatch: etag, signal });
      return copyOf(await body.bytes());
    },
  };
}

function checkContent(name: string, sizeBytes: number, tail: Uint8Array, expected: ExpectedContent): void {
  const refuse = (problem: string): StorageError =>
    new StorageError({
      code: "corrupt",
      op: "readParquet",
      path: name,
      message: `${name} is not what was written: ${problem}. Restore it from its source, or write the partition anew.`,
    });
  if (sizeBytes !== expected.bytes)
    throw refuse(`it has ${sizeBytes} bytes, its manifest says ${expected.bytes}`);
  if (tail.byteLength !== sizeBytes) return;
  const found = createHash("sha256").update(tail).digest("hex");
  if (found !== expected.sha256)
    throw refuse(`its SHA-256 is ${found}, its manifest says ${expected.sha256}`);
}

function copyOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}
