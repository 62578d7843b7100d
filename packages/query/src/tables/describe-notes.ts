import type { ColumnsDescription } from "./describe-columns.ts";

/** Why columns have no type, and how much was looked at where that is not everything. */
export function describeNotes({ columns, looked }: ColumnsDescription): readonly string[] {
  const notes = columns.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`${JSON.stringify(name)}: ${problem}`],
  );
  if (looked.partitions < looked.of)
    notes.push(`Types are those of ${looked.partitions} of ${looked.of} partitions.`);
  return notes;
}
