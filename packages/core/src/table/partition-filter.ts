import { type CustomKind, checkArgument, invalid, isPlainObject } from "../bytes/check-arguments.ts";
import { showValue } from "../bytes/show-value.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { Partition, type PartitionValue } from "../hive/partition.ts";

/** Selects partitions: for any subset of the keys, one value or a list of values; `null` is NULL. */
export type PartitionFilters = Readonly<Record<string, PartitionValue | readonly PartitionValue[]>>;

/** Checked {@link PartitionFilters}: the strings that each key may have. */
export type ParsedFilters = ReadonlyMap<string, ReadonlySet<string | null>>;

const FILTERS: CustomKind = {
  expected: 'a plain object such as { year: "2024", week: ["1", "2"] }',
  // Looks at every value: a getter or a proxy may throw.
  is: (value) => isPlainObject(value) && Object.values(value).map(Array.isArray).length >= 0,
};

/**
 * Checks filters, and returns values as the strings that paths hold.
 *
 * @throws StorageError `invalid_path` for a value that no partition can have, `invalid_argument` for filters that are not a
 * plain object: the keys of a `Map` or `URLSearchParams` would be overlooked, and every row returned.
 */
export function parseFilters(filters: PartitionFilters): ParsedFilters {
  checkArgument(filters, FILTERS, "filters", "readIndex");
  return new Map(
    Object.entries(filters).map(([key, wanted]) => {
      const values: readonly PartitionValue[] = Array.isArray(wanted) ? wanted : [wanted as PartitionValue];
      return [key, new Set(values.map((value) => wantedText(key, value)))];
    }),
  );
}

function wantedText(key: string, value: PartitionValue): string | null {
  // A Set, a Date or a range, for example.
  if (value !== null && !["string", "number", "bigint", "boolean"].includes(typeof value))
    throw invalid(
      "readIndex",
      `the filter ${key} is ${showValue(value)}, expected a string, number, bigint, boolean or null, or an array of these`,
    );
  return composed(Partition.of([[key, value]]).get(key) ?? null);
}

/**
 * Returns false where a partition cannot contain a match: one of its keys contradicts the filters. Its folders may have more keys,
 * so a missing key contradicts nothing. Values are compared in Unicode's composed form.
 */
export function canMatch(filters: ParsedFilters, candidate: Partition): boolean {
  return candidate.entries.every(([key, value]) => filters.get(key)?.has(composed(value)) ?? true);
}

/** Returns true where the rows of a folder match. As in SQL, a key that the folder lacks is NULL. */
export function matches(filters: ParsedFilters, folder: Partition): boolean {
  return [...filters].every(([key, wanted]) => wanted.has(composed(folder.get(key) ?? null)));
}

/** Returns a value in Unicode's composed form (NFC): macOS decomposes names (`e` and an accent), R2 composes them. */
export function composed(value: string | null): string | null {
  return value === null ? null : value.normalize("NFC");
}

/**
 * Refuses keys that the entity does not have.
 *
 * @throws StorageError `invalid_argument` naming the keys there are.
 */
export function checkKeyNames(named: readonly string[], keys: readonly string[], entity: string): void {
  for (const key of named) {
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
