import type { Row } from "@parquetry/core";
import type { ColumnBatch } from "../duckdb/duckdb.ts";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";

/** Turns a batch of columns into rows. */
export function rowsOf(columns: readonly QueryColumn[], batch: ColumnBatch): Row[] {
  const template: Row = Object.fromEntries(columns.map(({ name }) => [name, null]));
  const rows: Row[] = Array.from({ length: batch.rowCount }, () => ({ ...template }));
  for (const [c, { name }] of columns.entries()) {
    const values = batch.values[c] ?? [];
    if (name === "__proto__") for (const [r, row] of rows.entries()) setField(row, name, values[r]);
    else for (let r = 0; r < rows.length; r++) (rows[r] as Row)[name] = values[r];
  }
  return rows;
}

/** Sets a field of any name, including `__proto__`, which an assignment would not set. */
export function setField(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__") Object.defineProperty(target, name, { value, enumerable: true });
  else target[name] = value;
}
