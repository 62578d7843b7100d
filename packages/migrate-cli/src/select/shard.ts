import { hash } from "node:crypto";
import { StorageError } from "@parquetry/core/backend";
import type { CustomKind } from "@parquetry/core/unstable";

/** One of `count` disjoint parts of all keys. The index counts from 0, as those of array jobs do. */
export interface Shard {
  /** Which part, from 0 to `count - 1`. */
  readonly index: number;
  /** The number of parts. */
  readonly count: number;
}

/**
 * Parses `i/n`, with `0 <= i < n`: Kubernetes' `JOB_COMPLETION_INDEX` and AWS Batch's `AWS_BATCH_JOB_ARRAY_INDEX` fit.
 *
 * @throws StorageError `invalid_argument` for anything else.
 */
export function parseShard(text: string): Shard {
  const match = /^(\d{1,6})\/(\d{1,6})$/.exec(text);
  const index = Number(match?.[1]);
  const count = Number(match?.[2]);
  if (match !== null && count > 0 && index < count) return { index, count };
  throw new StorageError({
    code: "invalid_argument",
    op: "select",
    message: `--shard ${JSON.stringify(text)} is not a shard. Expected i/n, counted from 0: 0/4, 1/4, 2/4 and 3/4 are the four quarters.`,
  });
}

/** The kind of an option that takes a {@link Shard}. */
export const SHARD_KIND: CustomKind = {
  expected: "{ index, count } with whole numbers and 0 <= index < count",
  is(value) {
    if (typeof value !== "object" || value === null || !("index" in value) || !("count" in value))
      return false;
    const { index, count } = value;
    return isWhole(index) && isWhole(count) && index < count;
  },
};

/**
 * Returns which of `count` shards a key belongs to, by a stable hash of the key alone, so that machines agree without
 * communication.
 */
export function shardOf(key: string, count: number): number {
  return hashKey(key) % count;
}

/** Returns a stable 48-bit hash of a string: the start of its SHA-256. */
export function hashKey(text: string): number {
  return hash("sha256", text, "buffer").readUIntBE(0, 6);
}

function isWhole(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}
