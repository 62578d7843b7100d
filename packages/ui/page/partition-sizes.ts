import type { TableData } from "../src/answers.ts";
import { foldersAt } from "../src/map/partitions.ts";

/** The bytes of the partitions of a table, or of what they would be with its first keys only. */
export interface PartitionSizes {
  readonly keys: readonly string[];
  readonly partitions: number;
  readonly median: number;
  readonly largest: number;
  /** The folders of the largest one. */
  readonly largestName: string;
}

/** A median below this is small: an engine spends more time on opening files than on reading them. */
const SMALL_BYTES = 1_000_000;
/** How many times the median the largest partition is where the table is called skewed. */
const SKEW = 10;
/** The fewest partitions whose median means something. */
const MIN_PARTITIONS = 10;

/** Whether one partition takes much longer to read than most. */
export const isSkewed = ({ partitions, median, largest }: PartitionSizes): boolean =>
  partitions >= MIN_PARTITIONS && largest >= SMALL_BYTES && largest > SKEW * median;

/** Whether most partitions are too small to be read fast. */
export const areSmall = ({ partitions, median }: PartitionSizes): boolean =>
  partitions >= MIN_PARTITIONS && median < SMALL_BYTES;

/** The sizes by the first `depth` keys. */
export function partitionSizes(data: TableData, depth: number): PartitionSizes {
  const groups = new Map<number, number>();
  const groupOf = new Float64Array(data.size);
  for (const { values, codes } of data.levels.slice(0, depth)) {
    groups.clear();
    for (let i = 0; i < data.size; i++) {
      const id = (groupOf[i] ?? 0) * values.length + (codes[i] ?? 0);
      let group = groups.get(id);
      if (group === undefined) {
        group = groups.size;
        groups.set(id, group);
      }
      groupOf[i] = group;
    }
  }
  const bytes = new Float64Array(Math.max(1, groups.size));
  for (let i = 0; i < data.size; i++) {
    const group = groupOf[i] ?? 0;
    bytes[group] = (bytes[group] ?? 0) + (data.numbers.bytes[i] ?? 0);
  }
  const sorted = bytes.toSorted();
  const largest = sorted.at(-1) ?? 0;
  const group = bytes.indexOf(largest);
  return {
    keys: data.keys.slice(0, depth),
    partitions: bytes.length,
    median: sorted[Math.floor(sorted.length / 2)] ?? 0,
    largest,
    largestName: foldersAt(data, groupOf.indexOf(group)).slice(0, depth).join("/"),
  };
}

/** The most keys with which the partitions would be large enough, if the table has more keys than that. */
export function betterKeys(data: TableData): PartitionSizes | undefined {
  let better: PartitionSizes | undefined;
  for (let depth = data.keys.length - 1; depth > 0; depth--) {
    better = partitionSizes(data, depth);
    if (!areSmall(better) && !isSkewed(better)) break;
  }
  return better;
}
