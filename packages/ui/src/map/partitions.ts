export type Value = string | null;

/** The values of one partition key. */
export interface PartitionLevel {
  /** The different values. The first is that of partitions that lack the key. */
  readonly values: readonly Value[];
  /** The names of folders that are not `key=value`, by the index of their value. */
  readonly spelt: Readonly<Record<number, string>>;
  /** For each partition, the index of its value. */
  readonly codes: ArrayLike<number>;
}

/** The partitions of a table, as one array for each key. */
export interface Partitions {
  readonly size: number;
  readonly keys: readonly string[];
  readonly levels: readonly PartitionLevel[];
}

/** The partitions of a table with numbers for each of them. */
export interface PartitionTable<Name extends string> extends Partitions {
  readonly entity: string;
  /** False as long as partitions may follow. */
  readonly isDone: boolean;
  readonly numbers: Readonly<Record<Name, ArrayLike<number>>>;
}

/** The values of a partition, outermost first. */
export function valuesAt({ levels }: Partitions, partition: number): readonly Value[] {
  const values: Value[] = [];
  for (const { values: known, codes } of levels) {
    const code = codes[partition] ?? 0;
    if (code === 0) break;
    values.push(known[code] ?? null);
  }
  return values;
}

/** The names of the folders of a partition below its table. */
export function foldersAt({ keys, levels }: Partitions, partition: number): readonly string[] {
  const folders: string[] = [];
  for (const [level, { values, spelt, codes }] of levels.entries()) {
    const code = codes[partition] ?? 0;
    if (code === 0) break;
    folders.push(spelt[code] ?? `${keys[level]}=${values[code]}`);
  }
  return folders;
}

/** Returns a function that is true of a partition whose first keys have these values. */
export function isBelow({ levels }: Partitions, above: readonly Value[]): (partition: number) => boolean {
  const matching = above.map((value, level) => {
    const { values = [], codes = [] } = levels[level] ?? {};
    return { codes, isEqual: values.map((known, code) => code > 0 && known === value) };
  });
  return (partition) => matching.every(({ codes, isEqual }) => isEqual[codes[partition] ?? 0] === true);
}
