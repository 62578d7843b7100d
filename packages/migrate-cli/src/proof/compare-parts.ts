import { abilitiesOf, type StorageBackend } from "@parquetry/core/backend";
import { mapConcurrent } from "@parquetry/core/unstable";
import { etagOfParts, likelyPartSizes } from "./multipart-etag.ts";
import { type ListedVersion, readVersion } from "./read-version.ts";

/** How many parts are read concurrently: as many as the directory's thread hashes at the same time. */
const PARTS = 4;

/** One version of an object, and where it is. */
export interface PlacedVersion {
  /** Its backend. */
  readonly backend: StorageBackend;
  /** The version. */
  readonly version: ListedVersion;
  /** Called with the number of bytes that were read; negative if they will be read again. */
  readonly onBytes: (bytes: number) => void;
}

/** A multipart ETag of content, and the size of its parts. */
export interface PartsEtag {
  /** The ETag. */
  readonly etag: string;
  /** The size of the parts, in bytes. */
  readonly partSize: number;
}

/**
 * Compares a large file of a directory with an object of the same size, byte for byte. The directory's thread reads the file once, and
 * hashes its parts; the object is not hashed. Both are read only up to the first difference.
 *
 * @returns the multipart ETag of the content, for the parts that the object's ETag is likely of; undefined if the two differ, or if
 * they cannot be compared like this: the file is small, or the directory has no such thread.
 * @throws StorageError of either backend; `precondition_failed` if the object has changed since it was listed.
 */
export async function compareParts(
  file: PlacedVersion,
  object: PlacedVersion,
  signal: AbortSignal | undefined,
): Promise<PartsEtag | undefined> {
  const { hashedReads } = abilitiesOf(file.backend);
  const { key, sizeBytes, etag } = object.version;
  if (hashedReads === undefined || sizeBytes <= hashedReads.maxFileBytes) return undefined;
  const { maxFileBytes, read } = hashedReads;
  const sizes = likelyPartSizes(etag, sizeBytes, object.backend.capabilities.partSizeBytes);
  const partSize = sizes.find((size) => size <= maxFileBytes) ?? maxFileBytes;
  const counted = { file: 0, object: 0 };

  const md5Of = async (start: number): Promise<string> => {
    const range = { start, end: Math.min(start + partSize, sizeBytes) };
    const part = await read(key, file.version, { range, signal });
    if (part === undefined) throw new NotEqual();
    try {
      let at = 0;
      for await (const chunk of readVersion(object.backend, object.version, {
        range,
        signal,
        mayReuseMemory: true,
      })) {
        const end = at + chunk.byteLength;
        if (Buffer.compare(part.bytes.subarray(at, end), chunk) !== 0) throw new NotEqual();
        at = end;
        counted.object += chunk.byteLength;
        object.onBytes(chunk.byteLength);
      }
      counted.file += at;
      file.onBytes(at);
      return part.md5;
    } finally {
      part.release();
    }
  };

  try {
    const starts = Array.from({ length: Math.ceil(sizeBytes / partSize) }, (_, i) => i * partSize);
    return { etag: etagOfParts(await mapConcurrent(starts, PARTS, md5Of)), partSize };
  } catch (error) {
    if (!(error instanceof NotEqual)) throw error;
    file.onBytes(-counted.file);
    object.onBytes(-counted.object);
    return undefined;
  }
}

/** Ends {@link compareParts}. */
class NotEqual extends Error {}
