import { StorageError } from "@parquetry/core/backend";
import { decodeHive, HIVE_NULL, parsePartitionSegment } from "@parquetry/core/unstable";

type Matcher = (value: string) => boolean;

/**
 * Parses conditions on Hive partition segments, `year=2024,week=1..4`: every named key must be in the path with one of
 * its values. A value may be a range of integers, including both ends; more values of the same key follow after a comma
 * (`week=1,3,5..7`). Several conditions mean the same as one with commas: the values of a key are alternatives. Integers
 * compare as numbers, so `week=1` also matches `week=01`. A comma in a value is written `%2C`. For a folder, the result is
 * whether a key below it may match.
 *
 * @throws StorageError `invalid_argument` that names the invalid part.
 * @example
 * ```ts
 * parseWhere(["year=2024,week=1..4"])("raw/plays/year=2024/week=3/a.parquet"); // true
 * ```
 */
export function parseWhere(texts: readonly string[]): (key: string, isFolder?: boolean) => boolean {
  const conditions = parseConditions(texts);
  if (conditions.size === 0) return () => true;
  return (key, isFolder = false) => {
    const values = partitionValues(isFolder ? `${key}/` : key);
    for (const [name, matches] of conditions) {
      const value = values.get(name);
      // A folder below it may have the key.
      if (value === undefined && isFolder) continue;
      if (value === undefined || !matches(value)) return false;
    }
    return true;
  };
}

/**
 * The conditions of {@link parseWhere}, by partition key; a NULL value is given as `__HIVE_DEFAULT_PARTITION__`.
 *
 * @throws StorageError `invalid_argument` naming the part that cannot be read.
 */
export function parseConditions(texts: readonly string[]): ReadonlyMap<string, Matcher> {
  const conditions = new Map<string, Matcher[]>();
  for (const text of texts) readConditions(text, conditions);
  return new Map(
    [...conditions].map(([key, matchers]) => [key, (value) => matchers.some((matches) => matches(value))]),
  );
}

function readConditions(text: string, conditions: Map<string, Matcher[]>): void {
  let current: Matcher[] | undefined;
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    if (equals > 0) {
      const written = part.slice(0, equals).trim();
      if (/[<>!]$/.test(written)) throw badWhere(text, part);
      const name = decodeHive(written);
      current = conditions.get(name) ?? [];
      conditions.set(name, current);
    }
    const value = part.slice(equals + 1).trim();
    if (current === undefined || equals === 0 || value === "") throw badWhere(text, part);
    current.push(matcher(value, text));
  }
}

function matcher(text: string, where: string): Matcher {
  const range = /^(-?\d+)\.\.(-?\d+)$/.exec(text);
  if (range !== null) {
    const low = Number(range[1]);
    const high = Number(range[2]);
    if (low > high) throw badWhere(where, text);
    return (value) => isInteger(value) && Number(value) >= low && Number(value) <= high;
  }
  const wanted = decodeHive(text);
  if (!isInteger(wanted)) return (value) => value === wanted;
  return (value) => value === wanted || (isInteger(value) && BigInt(value) === BigInt(wanted));
}

function isInteger(text: string): boolean {
  return /^-?\d+$/.test(text);
}

/** Returns the decoded partition values in the folders of a key, by decoded name. */
function partitionValues(key: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const segment of key.split("/").slice(0, -1)) {
    const entry = parsePartitionSegment(segment);
    if (entry !== undefined) values.set(entry[0], entry[1] ?? HIVE_NULL);
  }
  return values;
}

function badWhere(text: string, part: string): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "select",
    message: `--where ${JSON.stringify(text)}: cannot read ${JSON.stringify(part)}. Expected key=value or key=from..to, e.g. year=2024,week=1..4`,
  });
}
