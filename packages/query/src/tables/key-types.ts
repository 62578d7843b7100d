import { type PartitionEntry, StorageError } from "@parquetry/core";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import { declaredKeyType } from "./declared-key-type.ts";

const CANONICAL_INTEGER = /^(?:0|-?[1-9][0-9]*)$/;
/** An integer of this many characters always fits into 64 bits. */
const SAFE_DIGITS = 18;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Types that the caller has declared, by name of the key or column. */
export type DeclaredTypes = Readonly<Record<string, string>>;

/** True for a string that BIGINT gives back unchanged: `1`, `-5`; not `01`, `+1`, `1.0` or a number beyond 64 bits. */
export function isBigint(text: string): boolean {
  if (!CANONICAL_INTEGER.test(text)) return false;
  if (text.length <= SAFE_DIGITS) return true;
  const value = BigInt(text);
  return value >= INT64_MIN && value <= INT64_MAX;
}

/**
 * Decides the types of an entity's partition keys: as declared; otherwise BIGINT where every value seen is an integer that
 * BIGINT gives back unchanged, else VARCHAR. A key of which only NULL was seen is VARCHAR.
 *
 * The values seen do not depend on any query: all values of the first level, and at each further level those in the first and in
 * the last folder of the level above. If another partition contradicts a BIGINT, reading that partition is an error
 * ({@link checkKeyTypes}), so a type never depends on what was pruned. A declared key that was not seen is a key that only other
 * partitions have.
 */
export function inferKeyTypes(
  keys: readonly string[],
  seen: readonly (readonly PartitionEntry[])[],
  declared: DeclaredTypes,
): readonly QueryColumn[] {
  const undeclared = Object.keys(declared).filter((name) => !keys.includes(name));
  return [...keys, ...undeclared].map((name) => {
    const given = Object.hasOwn(declared, name) ? declared[name] : undefined;
    if (given !== undefined) return { name, type: declaredKeyType(given) ?? given };
    const values = seen.flatMap((entries) =>
      entries.filter(([key]) => key === name).map(([, value]) => value),
    );
    const texts = values.filter((value) => value !== null);
    return { name, type: texts.length > 0 && texts.every(isBigint) ? "BIGINT" : "VARCHAR" };
  });
}

/**
 * Refuses a partition that contradicts the types.
 *
 * @throws StorageError `invalid_argument` naming the partition and the option that declares the type.
 */
export function checkKeyTypes(
  entity: string,
  keys: readonly QueryColumn[],
  declared: DeclaredTypes,
  partitions: Iterable<readonly PartitionEntry[]>,
): void {
  const integers = new Set(
    keys
      .filter(({ name, type }) => type === "BIGINT" && !Object.hasOwn(declared, name))
      .map(({ name }) => name),
  );
  const known = new Set(keys.map(({ name }) => name));
  for (const entries of partitions) {
    for (const [key, value] of entries) {
      if (!known.has(key)) throw unknownKey(entity, key, entries, [...known]);
      if (value === null || !integers.has(key) || isBigint(value)) continue;
      throw new StorageError({
        code: "invalid_argument",
        op: "sql",
        path: entity,
        message: `sql: the partition key ${key} of ${entity} has integers as values, but also ${JSON.stringify(value)}. ${declareKey(entity, key)}`,
      });
    }
  }
}

function unknownKey(
  entity: string,
  key: string,
  entries: readonly PartitionEntry[],
  known: readonly string[],
): StorageError {
  const place = entries.map(([name, value]) => `${name}=${value ?? "NULL"}`).join("/");
  const keys = known.length === 0 ? "is not partitioned there" : `has the keys ${known.join(", ")}`;
  return new StorageError({
    code: "invalid_argument",
    op: "sql",
    path: entity,
    message: `sql: ${place} of ${entity} has the key ${key}, but its first and last partition do not: it ${keys}. ${declareKey(entity, key)}`,
  });
}

function declareKey(entity: string, key: string): string {
  return `Declare its type: --key-type ${entity}.${key}=VARCHAR on the command line, openQuery(storage, { hiveTypes: { ${JSON.stringify(entity)}: { ${key}: "VARCHAR" } } }) in code.`;
}
