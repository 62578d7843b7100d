import { isYieldDue, yieldIfDue } from "../bytes/concurrency/yield-if-due.ts";
import type { Row } from "../bytes/row.ts";

/** Returns the rows of all batches, each with all columns that any of them has. `checkpoint` throws if the call was aborted. */
export async function collectRows(batches: AsyncIterable<Row[]>, checkpoint: () => void): Promise<Row[]> {
  const rows: Row[] = [];
  const columns = new Set<string>();
  let uniform = true;
  for await (const batch of batches) {
    const names = Object.keys(batch[0] ?? {});
    uniform &&=
      columns.size === 0 || (names.length === columns.size && names.every((name) => columns.has(name)));
    for (const name of names) columns.add(name);
    for (const row of batch) rows.push(row);
  }
  if (uniform) return rows;
  const template: Row = Object.fromEntries([...columns].map((name) => [name, null]));
  // In place: a second array of rows would double the memory.
  for (const [i, row] of rows.entries()) {
    if (isYieldDue()) {
      await yieldIfDue();
      checkpoint();
    }
    rows[i] = { ...template, ...row };
  }
  return rows;
}
