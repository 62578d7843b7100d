import { type CustomKind, isOfKind, isPlainObject } from "../bytes/check-arguments.ts";
import { showValue } from "../bytes/show-value.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { decodeHive, encodeHive, encodeHiveValue, HIVE_NULL } from "./codec.ts";

/** A value of a partition key. It is kept as a string; `null` is NULL. */
export type PartitionValue = string | number | bigint | boolean | null;

/** One level of a partition: the key, and its value as a string, or null. */
export type PartitionEntry = readonly [key: string, value: string | null];

/**
 * The keys and values of one folder of a Hive-partitioned table, in their order.
 *
 * @example
 * ```ts
 * const p = partition({ season: "2024", week: "1" });
 * p.path(); // "season=2024/week=1"
 * Partition.parse("season=2024/week=1").get("week"); // "1"
 * ```
 */
export class Partition {
  /** The levels, outermost first. */
  readonly entries: readonly PartitionEntry[];

  private constructor(entries: readonly PartitionEntry[]) {
    this.entries = entries;
  }

  /**
   * Makes a partition of keys and values, in the given order.
   *
   * @throws StorageError `invalid_path` for an empty or repeated key, the string `__HIVE_DEFAULT_PARTITION__` as a value (pass
   * `null` for NULL), or a value of another type.
   */
  static of(entries: Iterable<readonly [string, PartitionValue]>): Partition {
    const seen = new Set<string>();
    const checked: PartitionEntry[] = [];
    for (const [key, value] of pairsOf(entries)) {
      checkKey(key, seen);
      checked.push([key, checkValue(key, value)]);
    }
    return new Partition(checked);
  }

  /**
   * Parses a path, as the inverse of {@link Partition.path} for every value. Looser spellings of other writers are parsed, too.
   *
   * @throws StorageError `invalid_path` if a segment is not `key=value`.
   */
  static parse(path: string): Partition {
    if (typeof path !== "string")
      throw invalid(undefined, `the path is ${showValue(path)}`, "a string such as year=2024/week=1");
    if (path === "") return new Partition([]);
    const seen = new Set<string>();
    return new Partition(
      path.split("/").map((segment): PartitionEntry => {
        const entry = parsePartitionSegment(segment);
        if (entry === undefined) {
          throw invalid(path, `${JSON.stringify(segment)} is not key=value`, "year=2024/week=1");
        }
        checkKey(entry[0], seen);
        return entry;
      }),
    );
  }

  /** The keys, outermost first. */
  get keys(): readonly string[] {
    return this.entries.map(([key]) => key);
  }

  /** Returns the value of a key: a string, `null` for NULL, `undefined` if there is no such key. */
  get(key: string): string | null | undefined {
    return this.entries.find(([name]) => name === key)?.[1];
  }

  /** Returns this partition with one more, innermost level. */
  child(key: string, value: PartitionValue): Partition {
    return Partition.of([...this.entries, [key, value]]);
  }

  /** Returns keys and values as an object, for spreading into a row. */
  toObject(): Record<string, string | null> {
    return Object.fromEntries(this.entries);
  }

  /** Returns the path of the folder, `season=2024/week=1`, escaped as Hive does. An existing folder can have another spelling. */
  path(): string {
    return this.entries.map(([key, value]) => `${encodeHive(key)}=${encodeHiveValue(value)}`).join("/");
  }

  /** Returns {@link Partition.path}. */
  toString(): string {
    return this.path();
  }
}

/**
 * Makes a {@link Partition} of an object, in the order of its keys.
 *
 * @throws StorageError `invalid_path` as {@link Partition.of}, and for keys such as `"2024"`, which JavaScript would move to the
 * front.
 * @example
 * ```ts
 * partition({ year: 2024, team: "Texas A&M" }).path(); // "year=2024/team=Texas A&M"
 * ```
 */
export function partition(values: Readonly<Record<string, PartitionValue>>): Partition {
  if (!isOfKind(VALUES, values))
    throw invalid(
      undefined,
      `the values must be a plain object, got ${showValue(values)}`,
      '{ year: "2024" }',
    );
  for (const key of Object.keys(values)) {
    if (/^\d+$/.test(key)) {
      throw invalid(
        undefined,
        `JavaScript reorders the key ${JSON.stringify(key)}`,
        "Partition.of([[key, value], …]) for such keys",
      );
    }
  }
  return Partition.of(Object.entries(values));
}

/**
 * Parses a segment `key=value`. Returns undefined if it is not one.
 *
 * @example
 * ```ts
 * parsePartitionSegment("team=Texas%20A%26M"); // ["team", "Texas A&M"]
 * ```
 */
export function parsePartitionSegment(segment: string): PartitionEntry | undefined {
  const equals = segment.indexOf("=");
  if (equals <= 0) return undefined;
  const value = segment.slice(equals + 1);
  return [decodeHive(segment.slice(0, equals)), value === HIVE_NULL ? null : decodeHive(value)];
}

/** Reads every value: a getter may throw. */
const VALUES: CustomKind = {
  expected: "a plain object",
  is: (value) => isPlainObject(value) && Object.values(value).length >= 0,
};

/** The entries, for callers without types. */
function pairsOf(
  entries: Iterable<readonly [string, PartitionValue]>,
): readonly (readonly [string, PartitionValue])[] {
  const isPair = (entry: unknown): boolean => Array.isArray(entry) && entry.length === 2;
  try {
    const pairs = [...entries];
    if (typeof entries === "object" && pairs.every(isPair)) return pairs;
  } catch {
    // Not iterable.
  }
  throw invalid(
    undefined,
    `the entries must be pairs of key and value, got ${showValue(entries)}`,
    '[["year", "2024"]]',
  );
}

function checkKey(key: string, seen: Set<string>): void {
  if (typeof key !== "string" || key === "")
    throw invalid(undefined, "a partition key is empty or not a string", "names such as year");
  if (key === "__proto__") throw invalid(key, "__proto__ cannot be a column", "another name");
  if (!key.isWellFormed())
    throw invalid(key, "a partition key contains half a surrogate pair", "a well-formed string");
  // Columns are case-insensitive in DuckDB and Spark.
  const folded = key.toLowerCase();
  if (seen.has(folded))
    throw invalid(key, `the key ${JSON.stringify(key)} appears twice`, "each key once, whatever its case");
  seen.add(folded);
}

function checkValue(key: string, value: PartitionValue): string | null {
  if (value === null) return null;
  if (typeof value === "string") {
    if (value === HIVE_NULL) {
      throw invalid(
        value,
        `the value of ${key} is the string that means NULL`,
        "null for NULL; the string itself cannot be stored",
      );
    }
    if (!value.isWellFormed())
      throw invalid(value, `the value of ${key} contains half a surrogate pair`, "a well-formed string");
    return value;
  }
  if (typeof value === "bigint" || typeof value === "boolean") return String(value);
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  throw invalid(
    undefined,
    `the value of ${key} is ${typeof value === "number" ? String(value) : `of type ${typeof value}`}`,
    "a string, a safe integer, a bigint, a boolean or null",
  );
}

function invalid(path: string | undefined, problem: string, expected: string): StorageError {
  return new StorageError({
    code: "invalid_path",
    op: "partition",
    path,
    message: `partition: ${problem}. Expected ${expected}.`,
  });
}

/** Returns whether a value is a {@link Partition}, also of another copy of this package. */
export function isPartition(value: unknown): value is Partition {
  return (
    value instanceof Partition ||
    (typeof value === "object" &&
      value !== null &&
      "entries" in value &&
      Array.isArray(value.entries) &&
      "path" in value &&
      typeof value.path === "function")
  );
}
