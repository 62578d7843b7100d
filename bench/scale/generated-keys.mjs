// The keys of a Hive tree of any size, each computed from its number.
import { compareKeys } from "@parquetry/core/backend";

const FIRST_YEAR = 2001;
const YEARS = 25;
const WEEKS = 20;

/** The number of partitions. A larger tree has more files in each. */
export const PARTITIONS = YEARS * WEEKS;

const digits = (value, count) => String(value).padStart(count, "0");

/** Returns the `i`-th of `count` keys in key order. */
export function keyAt(i, count) {
  const week = Math.floor(i / Math.ceil(count / PARTITIONS));
  const folder = `year=${FIRST_YEAR + Math.floor(week / WEEKS)}/week=${digits(1 + (week % WEEKS), 2)}`;
  return `raw/plays/${folder}/part-${digits(i, 10)}.parquet`;
}

/** Returns the number of the first of `count` keys behind a name. */
export function firstAfter(name, count) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (compareKeys(keyAt(middle, count), name) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
