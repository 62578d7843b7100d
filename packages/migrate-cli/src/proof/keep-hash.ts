import { abilitiesOf, type ObjectInfo, type StorageBackend } from "@parquetry/core/backend";
import type { HashCache } from "./hash-cache.ts";

/** The hash of one version of an object, as it was read here. */
export interface ReadHash {
  /** The MD5 in hex. */
  readonly md5: string;
  /** When the read began, or earlier, in milliseconds since 1970. */
  readonly since: number;
  /** The size of the parts, if it is the MD5 of a multipart ETag. */
  readonly partSize?: number | undefined;
  /** Whether it is written immediately. Default false. */
  readonly atOnce?: boolean | undefined;
}

/**
 * Records a hash, unless a later edit of the object could keep its ETag: the recorded hash would then stand for other content.
 */
export async function keepHash(
  hashCache: HashCache | undefined,
  backend: StorageBackend,
  { key, etag }: Pick<ObjectInfo, "key" | "etag">,
  { md5, since, partSize, atOnce }: ReadHash,
): Promise<void> {
  if (hashCache === undefined) return;
  const mayKeep = abilitiesOf(backend).hashedReads?.mayKeepHash;
  if (mayKeep !== undefined && !(await mayKeep(key, etag, since))) return;
  hashCache.set(backend.url(key), partSize === undefined ? etag : inParts(etag, partSize), md5, atOnce);
}

/** The version under which the MD5 of a multipart ETag is recorded. */
export function inParts(etag: string, partSize: number): string {
  return `${etag} in parts of ${partSize}`;
}
