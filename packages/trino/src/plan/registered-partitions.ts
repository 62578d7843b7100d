import type { Partition, PartitionEntry } from "@parquetry/core";
import { type Domain, type InputTable, isInDomain } from "./io-explanation.ts";

/** A partition key of a registered table. */
export interface PartitionKey {
  /** Its name, in lower case as Trino has it. */
  readonly name: string;
  readonly type: string;
}

/** The partitions of a table that Trino knows, and those that a query can need. */
export class RegisteredPartitions {
  readonly #keys: readonly PartitionKey[];
  readonly #known: Counter;
  readonly #wanted: ReadonlySet<string>;
  /** The keys by which the query leaves partitions out. */
  readonly filterKeys: ReadonlySet<string>;

  /**
   * @param rows the rows of `"table$partitions"`.
   * @param inputs the table as the query reads it, once or several times.
   */
  constructor(
    keys: readonly PartitionKey[],
    rows: readonly (readonly unknown[])[],
    inputs: readonly InputTable[],
  ) {
    this.#keys = keys;
    const partitions = rows.map((row) => keys.map((key, i) => registeredText(row[i], key)));
    this.#known = countPrefixes(partitions);
    const reads = inputs.filter(({ isEmpty }) => !isEmpty).map(({ domains }) => byKey(keys, domains));
    const wanted = partitions.filter((values) =>
      reads.some((read) => values.every((value, i) => isWanted(value, read[i]))),
    );
    this.#wanted = new Set(countPrefixes(wanted).keys());
    const leavesOut = (i: number): boolean =>
      partitions.some((values) => !reads.some((read) => isWanted(values[i] ?? null, read[i])));
    this.filterKeys = new Set(keys.flatMap(({ name }, i) => (leavesOut(i) ? [name] : [])));
  }

  /** For the partitions of one level, whether the query can need one below. Those that Trino does not know are kept. */
  prune(level: readonly Partition[]): readonly boolean[] {
    return level.map(({ entries }) => {
      const name = prefixName(this.#textsOf(entries));
      return this.#wanted.has(name) || !this.#known.has(name);
    });
  }

  /** The partitions among these that Trino does not know. */
  unknown<T extends { readonly partition: Partition }>(folders: readonly T[]): readonly T[] {
    const left = new Map(this.#known);
    return folders.filter(({ partition: { entries } }) => {
      const name = prefixName(this.#textsOf(entries));
      // Trino knows one of two folders with the same value, such as week=1 and week=01 of a BIGINT.
      const count = left.get(name) ?? 0;
      left.set(name, count - 1);
      return count <= 0;
    });
  }

  #textsOf(entries: readonly PartitionEntry[]): readonly (string | null)[] {
    return entries.map(([, value], i) => folderText(value, this.#keys[i]));
  }
}

type Counter = ReadonlyMap<string, number>;

/** How often each partition, and each folder above it, is there. */
function countPrefixes(partitions: readonly (readonly (string | null)[])[]): Counter {
  const counts = new Map<string, number>();
  for (const values of partitions) {
    for (let depth = 1; depth <= values.length; depth++) {
      const name = prefixName(values.slice(0, depth));
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return counts;
}

const prefixName = (values: readonly (string | null)[]): string => JSON.stringify(values);

function byKey(keys: readonly PartitionKey[], domains: readonly Domain[]): readonly (Domain | undefined)[] {
  return keys.map(({ name }) => domains.find(({ column }) => column === name));
}

const isWanted = (value: string | null, domain: Domain | undefined): boolean =>
  domain === undefined || isInDomain(value, domain);

/** The value of a folder as {@link registeredText} writes it. */
function folderText(value: string | null, key: PartitionKey | undefined): string | null {
  if (value === null || key === undefined) return value;
  if (/^(?:bigint|integer|smallint|tinyint)$/.test(key.type) && /^[+-]?\d+$/.test(value))
    return String(BigInt(value.replace(/^\+/, "")));
  if (/^(?:double|real|decimal)/.test(key.type) && value.trim() !== "") return String(Number(value));
  if (key.type === "boolean") return value.toLowerCase();
  return value;
}

function registeredText(value: unknown, { type }: PartitionKey): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) {
    const text = value.toISOString();
    return type === "date" ? text.slice(0, 10) : text.slice(0, -1).replace("T", " ");
  }
  return /^(?:double|real|decimal)/.test(type) ? String(Number(value)) : String(value);
}
