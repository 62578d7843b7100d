import { type Key, StorageError } from "@parquetry/core/backend";

/** Removes the quotes of an ETag. radosgw sends none for a copy. */
export function plainEtag(etag: string | undefined, op: string, key: Key, backend: string): string {
  if (etag !== undefined && etag !== "") return /^(?:W\/)?"(.*)"$/.exec(etag)?.[1] ?? etag;
  throw new StorageError({
    code: "not_supported",
    op,
    path: key,
    backend,
    message: `${op} ${key}: the store answered without an ETag, which is needed to tell versions apart.`,
  });
}

/** Returns the ETag where it is an MD5. The ETag of a multipart upload is not a hash of the content. */
export function md5OfEtag(etag: string): string | undefined {
  return /^[0-9a-f]{32}$/.test(etag) ? etag : undefined;
}
