import type { ColumnsDescription } from "./describe-columns.ts";

/** Sentences about a table: why columns have no type, and how many partitions were read if not all. */
export function describeNotes({ columns, looked }: ColumnsDescription): readonly string[] {
  const notes = columns.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`${JSON.stringify(name)}: ${problem}`],
  );
  if (looked.partitions < looked.of)
    notes.push(`Types come from ${looked.partitions} of ${looked.of} partitions.`);
  return notes;
}
