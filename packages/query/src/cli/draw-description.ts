import type { TableDescription } from "../database/query-database.ts";
import { describeNotes } from "../tables/describe-notes.ts";
import { drawTable } from "./draw-table.ts";
import { plainText } from "./text-width.ts";

const HEADS = ["column", "type", "partition"].map((name) => ({ name, type: "" }));

/** Draws a table's columns and keys, and below them what is not so plain. */
export function drawDescription(table: TableDescription, width: number): string {
  const { entity, columns, keys } = table;
  const rows = [...columns, ...keys].map(({ name, type }, i) => ({
    column: name,
    type,
    partition: i >= columns.length ? "yes" : "",
  }));
  const notes = describeNotes(table).map((note) => `${plainText(note)}\n`);
  return `${entity}\n\n${drawTable(HEADS, rows, { color: false, width })}${notes.join("")}`;
}
