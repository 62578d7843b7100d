import type { BackendCapabilities } from "@parquetry/core/backend";

/** The limits that decide whether an object is stored whole or in parts. */
export type PartLimits = Pick<BackendCapabilities, "maxSinglePutBytes" | "partSizeBytes" | "maxParts">;

/** The limits of S3 and R2, as their backends have them, for what is priced without one. */
export const CLOUD_LIMITS: PartLimits = {
  maxSinglePutBytes: 8 * 1024 ** 2,
  partSizeBytes: 8 * 1024 ** 2,
  maxParts: 10_000,
};

/** The size of the ranges that a directory writes concurrently, as its backend has it. */
export const DIRECTORY_RANGE_BYTES: number = 32 * 1024 ** 2;

/** Returns how many requests it takes to store an object: one, or the number of its parts and two more. */
export function countPutRequests(sizeBytes: number, limits: PartLimits): number {
  if (sizeBytes <= limits.maxSinglePutBytes) return 1;
  return Math.ceil(sizeBytes / partSizeFor(sizeBytes, limits)) + 2;
}

/**
 * Returns how many GET requests it takes to copy an object: one, or to a directory one for each range of whole parts.
 *
 * @param partSizeBytes the size of the parts whose MD5s prove the object; the size of the object if it is one. Undefined if none do.
 * @param rangeBytes the size of the ranges that the target writes concurrently. Undefined if it writes none.
 */
export function countGetRequests(
  sizeBytes: number,
  partSizeBytes: number | undefined,
  rangeBytes: number | undefined,
): number {
  if (rangeBytes === undefined || partSizeBytes === undefined || sizeBytes === 0) return 1;
  const wholeParts = Math.max(1, Math.floor(rangeBytes / partSizeBytes)) * partSizeBytes;
  return Math.ceil(sizeBytes / wholeParts);
}

/** Returns the size of the parts in which an object is stored: its own size if it is stored whole. */
export function partSizeFor(
  sizeBytes: number,
  { maxSinglePutBytes, partSizeBytes, maxParts }: PartLimits,
): number {
  if (sizeBytes <= maxSinglePutBytes) return sizeBytes;
  return Math.max(1, Math.ceil(sizeBytes / maxParts / partSizeBytes)) * partSizeBytes;
}
