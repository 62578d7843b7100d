import { invalid } from "../bytes/check-arguments.ts";
import { isYieldDue, yieldIfDue } from "../bytes/concurrency/yield-if-due.ts";
import { ownValue, type Row } from "../bytes/row.ts";
import { showValue } from "../bytes/show-value.ts";
import { isStorageError } from "../bytes/storage-error.ts";
import { suggest } from "../bytes/suggest.ts";
import { Partition, type PartitionValue } from "../hive/partition.ts";

/** The rows of one partition. */
export interface RowsOfPartition {
  readonly partition: Partition;
  /** The caller's rows, in their order. They still have the partition's columns. */
  readonly rows: readonly Row[];
}

interface Group extends RowsOfPartition {
  readonly rows: Row[];
}

/** The groups by the values of the first key, or the next level. */
type Level = Map<unknown, Level | Group>;

/**
 * Groups rows by their values of some columns: the partitions they belong to, in the order in which they first appear. Values that
 * name the same folder, such as `1` and `"1"`, are the same partition; a missing value is NULL. The rows are not copied.
 *
 * @throws StorageError `invalid_argument` that names the row and the column of a value that no partition can have, or the
 * column that no row has.
 */
export async function groupRows(
  rows: readonly Row[],
  by: readonly string[],
  op: string,
): Promise<readonly RowsOfPartition[]> {
  const groups = new Map<string, Group>();
  const first: Level = new Map();
  const missing = new Set(by);
  for (const [index, row] of rows.entries()) {
    if (index % 1024 === 0 && isYieldDue()) await yieldIfDue();
    for (const name of missing) if (Object.hasOwn(row, name)) missing.delete(name);
    const group = groupOf(first, row, by) ?? addGroup(groups, first, row, index, by, op);
    group.rows.push(row);
  }
  const [unknown] = missing;
  if (unknown !== undefined && rows.length > 0) {
    const names = new Set(rows.slice(0, 100).flatMap((row) => Object.keys(row)));
    const meant = suggest(unknown, names);
    const hint = meant === undefined ? "" : `; did you mean ${JSON.stringify(meant)}?`;
    throw invalid(
      op,
      `no row has the column ${JSON.stringify(unknown)}, by which they are partitioned${hint}`,
    );
  }
  return [...groups.values()];
}

function groupOf(first: Level, row: Row, by: readonly string[]): Group | undefined {
  let at: Level | Group | undefined = first;
  for (const name of by) {
    if (!(at instanceof Map)) return undefined;
    at = at.get(ownValue(row, name) ?? null);
  }
  return at instanceof Map ? undefined : at;
}

function addGroup(
  groups: Map<string, Group>,
  first: Level,
  row: Row,
  index: number,
  by: readonly string[],
  op: string,
): Group {
  const partition = partitionOf(row, index, by, op);
  // Composed and decomposed letters name the same folder.
  const folder = partition.path().normalize("NFC");
  const group: Group = groups.get(folder) ?? { partition, rows: [] };
  groups.set(folder, group);
  let level = first;
  for (const [depth, name] of by.entries()) {
    const value = ownValue(row, name) ?? null;
    if (depth === by.length - 1) level.set(value, group);
    else {
      const known = level.get(value);
      const next: Level = known instanceof Map ? known : new Map();
      level.set(value, next);
      level = next;
    }
  }
  return group;
}

function partitionOf(row: Row, index: number, by: readonly string[], op: string): Partition {
  const entries: [string, PartitionValue][] = [];
  let partition = Partition.of([]);
  for (const name of by) {
    const value = ownValue(row, name) ?? null;
    // The check of the partition refuses values of other types.
    entries.push([name, value as PartitionValue]);
    try {
      partition = Partition.of(entries);
    } catch (error) {
      if (!isStorageError(error)) throw error;
      const remedy =
        value instanceof Date
          ? "A Date has several spellings: pass the text that the folder is to have, such as date.toISOString().slice(0, 10)"
          : "Pass a string, a safe integer, a bigint, a boolean or null";
      throw invalid(
        op,
        `row ${index}, column ${JSON.stringify(name)} is ${showValue(value)}, which cannot name a partition (${error.message}) ${remedy}`,
      );
    }
  }
  return partition;
}
