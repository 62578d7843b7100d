import { StorageError } from "../bytes/storage-error.ts";
import type { Partition, PartitionValue } from "../hive/partition.ts";
import { partition } from "../hive/partition.ts";

/** Which partitions: for any subset of the keys one value or a list of values; `null` is NULL. */
export type PartitionFilters = Readonly<Record<string, PartitionValue | readonly PartitionValue[]>>;

/** A checked {@link PartitionFilters}: the texts that each key may have. */
export type ParsedFilters = ReadonlyMap<string, ReadonlySet<string | null>>;

/**
 * Checks filters and turns values into the texts that paths hold.
 *
 * @throws StorageError `invalid_path` for a value that can be none, `invalid_argument` for something else than an object.
 */
export function parseFilters(filters: PartitionFilters): ParsedFilters {
  if (typeof filters !== "object" || filters === null || Array.isArray(filters)) {
    throw new StorageError({
      code: "invalid_argument",
      op: "readIndex",
      message: `readIndex: filters are an object such as { year: "2024", week: ["1", "2"] }, not ${JSON.stringify(filters)}.`,
    });
  }
  return new Map(
    Object.entries(filters).map(([key, wanted]) => {
      const values: readonly PartitionValue[] = Array.isArray(wanted) ? wanted : [wanted as PartitionValue];
      return [key, new Set(values.map((value) => composed(partition({ [key]: value }).get(key) ?? null)))];
    }),
  );
}

/** True where nothing that is known of a partition contradicts the filters. Keys not reached yet contradict nothing, and é is é however it is composed. */
export function matchesFilters(filters: ParsedFilters, candidate: Partition): boolean {
  return candidate.entries.every(([key, value]) => filters.get(key)?.has(composed(value)) ?? true);
}

/** The same text in Unicode's composed form: macOS takes names apart (`e` and an accent), R2 puts them together. */
export function composed(value: string | null): string | null {
  return value === null ? null : value.normalize("NFC");
}

/**
 * Refuses filters on keys that the entity does not have.
 *
 * @throws StorageError `invalid_argument` naming the keys there are.
 */
export function checkFilterKeys(filters: ParsedFilters, keys: readonly string[], entity: string): void {
  for (const key of filters.keys()) {
    if (keys.includes(key)) continue;
    throw new StorageError({
      code: "invalid_argument",
      op: "readIndex",
      path: entity,
      message: `readIndex: ${entity} has no partition key ${JSON.stringify(key)}. ${
        keys.length === 0 ? "It is not partitioned" : `Its keys are ${keys.join(", ")}`
      }.`,
    });
  }
}
