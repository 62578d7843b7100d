import type { BackendCapabilities } from "@parquetry/core/backend";

/**
 * How many requests storing one object takes: one, or for a large object its parts, plus one to begin and one to end.
 *
 * @example
 * ```ts
 * countPutRequests(48_000, bucket.capabilities); // 1
 * ```
 */
export function countPutRequests(
  sizeBytes: number,
  { maxSinglePutBytes, partSizeBytes, maxParts }: BackendCapabilities,
): number {
  if (sizeBytes <= maxSinglePutBytes) return 1;
  const partSize = Math.max(partSizeBytes, Math.ceil(sizeBytes / maxParts));
  return Math.ceil(sizeBytes / partSize) + 2;
}
