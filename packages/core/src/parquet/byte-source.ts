import { createHash } from "#platform";
import type { Key } from "../bytes/key.ts";
import type { ObjectInfo, OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";

/** A file that is read by byte ranges. */
export interface ByteSource {
  /** Its name in errors. */
  readonly name: string;
  /** Its size in bytes. */
  readonly byteLength: number;
  /** Returns the bytes from `start` up to, not including, `end` (default: the end). A negative start is relative to the end. */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
  /** Ends the decoding of its bytes, too. */
  readonly signal?: AbortSignal | undefined;
}

/** Files of at most this many bytes are fetched whole: one request, where footer and columns would take two or more. */
export const WHOLE_FILE_BYTES: number = 1024 * 1024;

/** How many bytes at the end of a larger file are fetched first: footers are rarely larger. */
export const FOOTER_BYTES: number = 64 * 1024;

/** The size and version of an object. If they are omitted, the first request discovers them. */
export type KnownObject = Pick<ObjectInfo, "sizeBytes" | "etag">;

/** The size and hash that a manifest has for a file. */
export interface ExpectedContent {
  /** Its size in bytes. */
  readonly bytes: number;
  /** The SHA-256 of its bytes, in hex. */
  readonly sha256: string;
}

/**
 * Opens an object for reading by ranges. One request fetches a small object whole, or the end of a large one. Later ranges are
 * read from the same version: a file that is replaced in the meantime is `precondition_failed`, never a mixture.
 *
 * A file that is fetched whole is compared with the size and SHA-256 of `expected`, so a byte that has changed since the file
 * was written is detected before it is decoded. For a larger file, only the size is compared.
 *
 * @throws StorageError `not_found` and other errors of the backend; `corrupt` if the bytes are not as expected.
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
    const opened = await backend.get(key, { range, ifMatch: known?.etag, mayReuseMemory: true, signal });
    tail = await opened.body.bytes();
    info = opened.info;
  } catch (error) {
    // An empty object does not have the requested range.
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
    signal,
    async slice(from, to = sizeBytes) {
      const start = Math.max(0, from < 0 ? sizeBytes + from : from);
      const end = Math.min(to, sizeBytes);
      if (end <= start) return new ArrayBuffer(0);
      if (start >= tailStart) return copyOf(tail.subarray(start - tailStart, end - tailStart));
      const { body } = await backend.get(key, {
        range: { start, end },
        ifMatch: etag,
        mayReuseMemory: true,
        signal,
      });
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
      message: `${name} is not what was written: ${problem}. Restore it from its source, or write the partition again.`,
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
