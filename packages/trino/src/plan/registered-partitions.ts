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
  /** How often each partition is there. */
  readonly #known = new Map<string, number>();
  readonly #wanted: readonly Read[];
  readonly #ranges: readonly Read[];
  /** The keys by which the query leaves partitions out. */
  readonly filterKeys: ReadonlySet<string>;

  /**
   * @param rows the rows of `"table$partitions"`.
   * @param inputs the table as the query reads it of the partitions that Trino knows, once or several times.
   * @param ranges the same of any partition: it leaves out less.
   */
  constructor(
    keys: readonly PartitionKey[],
    rows: readonly (readonly unknown[])[],
    inputs: readonly InputTable[],
    ranges: readonly InputTable[],
  ) {
    this.#keys = keys;
    for (const row of rows) {
      const name = partitionName(keys.map((key, i) => registeredText(row[i], key)));
      this.#known.set(name, (this.#known.get(name) ?? 0) + 1);
    }
    this.#wanted = readsOf(keys, inputs);
    this.#ranges = readsOf(keys, ranges);
    const isFilter = (i: number): boolean => this.#ranges.every((read) => read[i] !== undefined);
    this.filterKeys = new Set(keys.flatMap(({ name }, i) => (isFilter(i) ? [name] : [])));
  }

  /** The names of the keys, outermost first. */
  get names(): readonly string[] {
    return this.#keys.map(({ name }) => name);
  }

  /** Whether the query needs no partition, whatever there is. */
  get isUnneeded(): boolean {
    return this.#ranges.length === 0;
  }

  /** For the partitions of one level, whether the query can need one below, known or not. */
  prune(level: readonly Partition[]): readonly boolean[] {
    return level.map(({ entries }) => isRead(this.#textsOf(entries), this.#ranges));
  }

  /** Divides the folders that {@link prune} has kept: those that the query can need, and those that Trino does not know. */
  divide<T extends { readonly partition: Partition }>(
    folders: readonly T[],
  ): { readonly needed: readonly T[]; readonly unknown: readonly T[] } {
    const left = new Map(this.#known);
    const needed: T[] = [];
    const unknown: T[] = [];
    for (const folder of folders) {
      const texts = this.#textsOf(folder.partition.entries);
      const name = partitionName(texts);
      // Trino knows one of two folders with the same value, such as week=1 and week=01 of a BIGINT.
      const count = left.get(name) ?? 0;
      left.set(name, count - 1);
      if (count <= 0) unknown.push(folder);
      else if (isRead(texts, this.#wanted)) needed.push(folder);
    }
    return { needed, unknown };
  }

  #textsOf(entries: readonly PartitionEntry[]): readonly (string | null)[] {
    return entries.map(([, value], i) => folderText(value, this.#keys[i]));
  }
}

/** The range of each key, outermost first, as the query reads the table once. */
type Read = readonly (Domain | undefined)[];

const partitionName = (values: readonly (string | null)[]): string => JSON.stringify(values);

function readsOf(keys: readonly PartitionKey[], inputs: readonly InputTable[]): readonly Read[] {
  return inputs
    .filter(({ isEmpty }) => !isEmpty)
    .map(({ domains }) => keys.map(({ name }) => domains.find(({ column }) => column === name)));
}

/** Whether a partition, or one below it, is in the ranges of one of the reads. */
function isRead(values: readonly (string | null)[], reads: readonly Read[]): boolean {
  return reads.some((read) =>
    values.every((value, i) => {
      const domain = read[i];
      return domain === undefined || isInDomain(value, domain);
    }),
  );
}

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
