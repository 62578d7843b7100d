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
  if (values.length < 2 || typeof values[0] === "boolean") return undefined;
  // A sample of all values would do the same work twice.
  if (values.length > SAMPLE && !isPromising(values)) return undefined;
  let total = 0;
  for (let i = 0; i < values.length; i++) total += plainBytes(values[i] as StoredValue);
  const numbers = findNumbers(values, total);
  if (numbers !== "mixed") return numbers;
  const entries: StoredValue[] = [];
  const indices = new Int32Array(values.length);
  const known = new Map<unknown, number>();
  let distinct = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as StoredValue;
    const key = keyOf(value);
    let index = known.get(key);
    if (index === undefined) {
      index = entries.length;
      distinct += plainBytes(value);
      if (index === MOST_ENTRIES || 2 * distinct > total) return undefined;
      entries.push(value);
      known.set(key, index);
    }
    indices[i] = index;
  }
  return isSmaller(distinct, total, values.length, entries.length) ? { entries, indices } : undefined;
}

/** Whether a dictionary at least halves the bytes of values. */
function isSmaller(distinct: number, total: number, values: number, entries: number): boolean {
  const bits = 32 - Math.clz32(entries - 1);
  return 2 * (distinct + (values * bits) / 8) <= total;
}

/** Slots of the hash table of {@link findNumbers}, which has at least two for each entry: a dictionary of more values is found by a Map. */
const MOST_SLOTS = 2 ** 16;
/** For each slot, the index of its entry and 1. */
const SLOTS = new Int32Array(MOST_SLOTS);
/** A number, and its bits. */
const NUMBER = new Float64Array(1);
const WORDS = new Int32Array(NUMBER.buffer);
/** The entries, their bits, and the indices, until it is known that there is a dictionary: most columns of numbers have none. */
const ENTRIES = new Float64Array(MOST_SLOTS / 2);
const ENTRY_WORDS = new Int32Array(ENTRIES.buffer);
const INDICES = new Int32Array(MOST_SLOTS);

/** {@link findDictionary} for numbers, which a Map finds several times more slowly. */
function findNumbers(values: ArrayLike<StoredValue>, total: number): Dictionary | undefined | "mixed" {
  const { length } = values;
  const slots = 2 ** (32 - Math.clz32(length));
  if (slots > MOST_SLOTS) return "mixed";
  SLOTS.fill(0, 0, slots);
  let entries = 0;
  for (let i = 0; i < length; i++) {
    const value = values[i];
    if (typeof value !== "number") return "mixed";
    // There is more than one NaN.
    NUMBER[0] = Number.isNaN(value) ? Number.NaN : value;
    // Destructuring would iterate.
    const low = WORDS[0] as number;
    const high = WORDS[1] as number;
    const hash = Math.imul(low ^ Math.imul(high, 0x9e3779b1), 0x85ebca6b);
    let slot = (hash ^ (hash >>> 15)) & (slots - 1);
    for (;;) {
      const index = (SLOTS[slot] ?? 0) - 1;
      if (index < 0) {
        if (2 * 8 * (entries + 1) > total) return undefined;
        ENTRY_WORDS[2 * entries] = low;
        ENTRY_WORDS[2 * entries + 1] = high;
        INDICES[i] = entries;
        entries++;
        SLOTS[slot] = entries;
        break;
      }
      if (ENTRY_WORDS[2 * index] === low && ENTRY_WORDS[2 * index + 1] === high) {
        INDICES[i] = index;
        break;
      }
      slot = (slot + 1) & (slots - 1);
    }
  }
  if (!isSmaller(8 * entries, total, length, entries)) return undefined;
  return { entries: Array.from(ENTRIES.subarray(0, entries)), indices: INDICES.slice(0, length) };
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
