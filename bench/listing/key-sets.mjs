import { createHash } from "node:crypto";
import { compareKeys } from "@parquetry/core/backend";

const pad = (value, digits) => String(value).padStart(digits, "0");
const hex = (value) => createHash("md5").update(String(value)).digest("hex");

/** Kinds of key sets: the i-th of `count` keys. */
const KINDS = {
  "Hive tree": (i) => {
    const folder = i >> 1;
    const entity = ["drives", "games", "plays", "rosters"][folder % 4];
    const place = `year=${2001 + ((folder >> 2) % 25)}/week=${1 + ((folder >> 2) % 16)}/game_id=${400_000_000 + folder}`;
    return `processed/${entity}/${place}/${i % 2 === 0 ? "data.parquet" : "_manifest.json"}`;
  },
  "one folder, numbers": (i) => `events/part-${pad(i, 8)}.parquet`,
  "one folder, hashes": (i) => `objects/${hex(i)}.parquet`,
  "99 % below one prefix": (i) =>
    i % 100 === 0
      ? `${"abcdefghij"[(i / 100) % 10]}/x-${i}.csv`
      : `raw/plays/year=2024/week=5/part-${hex(i)}.parquet`,
};

export const KEY_SETS = Object.keys(KINDS);

/** Makes `count` keys of a kind, in order. */
export function makeKeys(kind, count) {
  return Array.from({ length: count }, (_, i) => KINDS[kind](i)).sort(compareKeys);
}
