import { Buffer } from "#platform";
import { plainBytes, type StoredValue } from "./leaf-values.ts";

/** Values that a sample is taken of, and the largest part of distinct bytes in it that makes a dictionary worth a try. */
const SAMPLE = 1000;
const MOST_DISTINCT = 0.9;
/** A larger dictionary would not fit into the caches of readers. */
const MOST_ENTRIES = 2 ** 20;

/** The distinct values of a column chunk, and for each value the index of its entry. */
export interface Dictionary {
  readonly entries: readonly StoredValue[];
  readonly indices: Int32Array;
}

/**
 * Returns the dictionary of a column's values if it at least halves their bytes. A sample decides whether it is tried, so columns of
 * distinct values cost almost nothing.
 */
export function findDictionary(values: ArrayLike<StoredValue>): Dictionary | undefined {
  if (values.length < 2 || typeof values[0] === "boolean" || !isPromising(values)) return undefined;
  const entries: StoredValue[] = [];
  const indices = new Int32Array(values.length);
  const known = new Map<unknown, number>();
  let total = 0;
  let distinct = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as StoredValue;
    const key = keyOf(value);
    const bytes = plainBytes(value);
    total += bytes;
    let index = known.get(key);
    if (index === undefined) {
      index = entries.length;
      if (index === MOST_ENTRIES) return undefined;
      entries.push(value);
      known.set(key, index);
      distinct += bytes;
    }
    indices[i] = index;
  }
  const bits = 32 - Math.clz32(entries.length - 1);
  return 2 * (distinct + (values.length * bits) / 8) > total ? undefined : { entries, indices };
}

function isPromising(values: ArrayLike<StoredValue>): boolean {
  const count = Math.min(values.length, SAMPLE);
  const seen = new Set<unknown>();
  let total = 0;
  let distinct = 0;
  for (let i = 0; i < count; i++) {
    const value = values[Math.floor((i * (values.length - 1)) / Math.max(1, count - 1))] as StoredValue;
    const bytes = plainBytes(value);
    const key = keyOf(value);
    total += bytes;
    if (!seen.has(key)) distinct += bytes;
    seen.add(key);
  }
  return distinct <= total * MOST_DISTINCT;
}

/** Returns a key that is equal for equal values only. A Map does not tell -0 from 0. */
function keyOf(value: StoredValue): unknown {
  if (typeof value === "object")
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
  return value === 0 && Object.is(value, -0) ? "-0" : value;
}
