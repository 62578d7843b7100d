import { type Key, StorageError } from "@parquetry/core/backend";

/** An ETag without quotes, as every backend gives it: radosgw's copy sends none, the others send them. */
export function plainEtag(etag: string | undefined, op: string, key: Key, backend: string): string {
  if (etag !== undefined && etag !== "") return /^(?:W\/)?"(.*)"$/.exec(etag)?.[1] ?? etag;
  throw new StorageError({
    code: "not_supported",
    op,
    path: key,
    backend,
    message: `${op} ${key}: the store answered without an ETag, and nothing can be told apart without one.`,
  });
}

/** The MD5 that an ETag is, or undefined: the ETag of a multipart upload is not the hash of the content. */
export function md5OfEtag(etag: string): string | undefined {
  return /^[0-9a-f]{32}$/.test(etag) ? etag : undefined;
}
