import { createHash } from "node:crypto";
import type { StorageBackend } from "@parquetry/core/backend";
import { checkLength } from "./check-length.ts";
import { createMultipartHasher } from "./multipart-etag.ts";
import { type ListedVersion, readHashed } from "./read-whole.ts";

/** What reading an object told about its content. */
export interface ContentHashes {
  /** Its MD5, in hex. */
  readonly md5: string;
  /** The multipart ETags it would have, in the order of the part sizes asked for. */
  readonly multipartEtags: readonly string[];
}

/** Options of {@link readContent}. */
export interface ReadContentOptions {
  /** Compute the multipart ETag for each of these part sizes as well. Default: none. */
  readonly partSizes?: readonly number[] | undefined;
  /** Stops reading. */
  readonly signal?: AbortSignal | undefined;
  /** Told of every chunk's size, and awaited: where a bandwidth limit waits. */
  readonly onBytes?: ((bytes: number) => void | Promise<void>) | undefined;
}

/**
 * Reads the listed version of an object, in bounded memory, and hashes it.
 *
 * @throws StorageError of the backend; `precondition_failed` where the object has changed since it was listed; `corrupt`
 * where it gave fewer or more bytes than it has.
 * @example
 * ```ts
 * const { md5 } = await readContent(backend, info);
 * ```
 */
export async function readContent(
  backend: StorageBackend,
  info: ListedVersion,
  options: ReadContentOptions = {},
): Promise<ContentHashes> {
  const { signal, partSizes = [], onBytes } = options;
  const hashed = partSizes.length === 0 ? await readHashed(backend, info, signal) : undefined;
  if (hashed !== undefined) {
    hashed.release();
    await onBytes?.(info.sizeBytes);
    return { md5: hashed.md5, multipartEtags: [] };
  }
  const md5 = createHash("md5");
  const multipart = partSizes.map(createMultipartHasher);
  const { body } = await backend.get(info.key, { ifMatch: info.etag, signal });
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    md5.update(chunk);
    for (const hasher of multipart) hasher.update(chunk);
    await onBytes?.(chunk.byteLength);
  }
  checkLength(backend, info, bytes);
  return { md5: md5.digest("hex"), multipartEtags: multipart.map((hasher) => hasher.etag()) };
}
