import type { BackendCapabilities } from "@parquetry/core/backend";

/**
 * Returns the number of requests that storing one object takes: one, or the number of its parts and two more.
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
