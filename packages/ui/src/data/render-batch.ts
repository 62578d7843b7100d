import type { Row } from "@parquetry/core";
import type { QueryColumn } from "@parquetry/query";

/** Rows, each as the JSON of an array of its values. No line feed is in one of them: JSON escapes it. */
export type RenderedBatch = readonly string[];

/**
 * Turns rows into JSON that a page shows as it is: integers beyond 2^53 and decimals keep all of their digits, because every
 * value except NULL and BOOLEAN is the JSON of a string.
 */
export function renderBatch(rows: readonly Row[], columns: readonly QueryColumn[]): RenderedBatch {
  return rows.map((row) => `[${columns.map(({ name, type }) => renderCell(row[name], type)).join(",")}]`);
}

function renderCell(value: unknown, type: string): string {
  if (value === null || value === undefined) return "null";
  return JSON.stringify(textOf(value, type));
}

/** A value as text: dates and times in ISO 8601, bytes as hex, lists and structs as JSON. */
export function textOf(value: unknown, type: string): string {
  if (typeof value === "string") return value;
  if (value instanceof Date) return dateText(value, type);
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  if (typeof value === "object" && value !== null) return JSON.stringify(value, replace);
  return String(value);
}

function replace(this: unknown, key: string, value: unknown): unknown {
  const original = typeof this === "object" && this !== null ? Reflect.get(this, key) : value;
  if (typeof original === "bigint") return original.toString();
  if (original instanceof Uint8Array) return `\\x${Buffer.from(original).toString("hex")}`;
  return value;
}

function dateText(date: Date, type: string): string {
  const iso = date.toISOString();
  return type === "DATE" ? iso.slice(0, iso.indexOf("T")) : iso;
}
