import type { PartitionEntry } from "@parquetry/core";

/** Below U+0300 no character combines with another, and none has a composed form. */
const MAY_COMPOSE = /[^\0-\u02ff]/;

const isComposed = (text: string): boolean => !MAY_COMPOSE.test(text) || text.normalize("NFC") === text;

/**
 * True where SQL must compare the values of keys in Unicode's composed form, as filters of `readIndex` do, since a value or the SQL is
 * not in that form (docs/decisions/0020). Everywhere else the comparison of the characters is the same, and cheaper.
 */
export function comparesComposed(sql: string, partitions: Iterable<readonly PartitionEntry[]>): boolean {
  if (!isComposed(sql)) return true;
  const seen = new Set<string | null>();
  for (const entries of partitions) {
    for (const [, value] of entries) {
      if (seen.has(value)) continue;
      seen.add(value);
      if (value !== null && !isComposed(value)) return true;
    }
  }
  return false;
}

/** A key in SQL, compared in the composed form where `composed` is true and it is text. Its value stays as it is. */
export function composedKey(sql: string, type: string, composed: boolean): string {
  return composed && type === "VARCHAR" ? `${sql} COLLATE NFC` : sql;
}
