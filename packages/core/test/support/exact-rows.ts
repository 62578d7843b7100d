import type { ColumnSchema, ColumnType, Row } from "../../src/index.ts";

/** Returns rows in a form that JSON and Python compare exactly: doubles by their bits, fields as pairs. */
export function exactRows(rows: readonly Row[], schema: readonly ColumnSchema[]): unknown[] {
  return rows.map((row) => exact(row, { struct: schema }));
}

function exact(value: unknown, of: ColumnType): unknown {
  if (value === undefined || value === null) return null;
  if (typeof of === "object") {
    if ("list" in of) return (value as unknown[]).map((item) => exact(item, of.list));
    return of.struct.map((field) => [field.name, exact(own(value as Row, field.name), field.type)]);
  }
  if (value instanceof Date) return `${value.getTime() * 1000}`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (of === "double") {
    const bits = Buffer.alloc(8);
    bits.writeDoubleBE(Number.isNaN(value) ? Number.NaN : (value as number));
    return bits.toString("hex");
  }
  return of === "int64" ? String(value) : of === "json" ? JSON.stringify(value) : value;
}

const own = (row: Row, column: string): unknown => (Object.hasOwn(row, column) ? row[column] : undefined);
