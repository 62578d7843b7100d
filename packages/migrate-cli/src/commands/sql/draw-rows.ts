import type { Row } from "@parquetry/core";
import type { QueryColumn, QueryCursor, TableDescription } from "@parquetry/query";
import { formatCounted } from "../../terminal/format-amount.ts";
import { columnWidth, GAP, layOut } from "../../terminal/format-table.ts";
import { cutText, plainText } from "../../terminal/text-width.ts";
import { wrapText } from "../../terminal/wrap-text.ts";
import { renderValue } from "./render-value.ts";

/** Columns are not cut below this many cells; the last columns are left out instead. */
const MIN_CELLS = 16;
const NUMERIC = /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|UINTEGER|FLOAT|REAL|DOUBLE|DECIMAL)/i;

/**
 * Draws rows as an aligned table: names, types, a rule, rows; numbers to the right. Columns that do not fit into `width`
 * are cut, the widest first; then the last ones are left out and named in a line below.
 *
 * @param dim the style of types, rule and note.
 */
export function drawRows(
  columns: readonly QueryColumn[],
  rows: readonly Row[],
  width: number = Number.POSITIVE_INFINITY,
  dim: (text: string) => string = (text) => text,
): readonly string[] {
  const table = [
    columns.map(({ name }) => plainText(name)),
    columns.map(({ type }) => type.toLowerCase()),
    ...rows.map((row) => columns.map(({ name, type }) => plainText(renderValue(row[name], type, "NULL")))),
  ];
  const widths = fit(
    columns.map((_, column) => Math.max(1, columnWidth(table, column))),
    width,
  );
  const isRight = columns.map(({ type }) => NUMERIC.test(type) && !type.endsWith("[]"));
  const [head = "", types = "", ...lines] = table.map((cells) =>
    layOut(
      widths.map((cells_, column) => cutText(cells[column] ?? "", cells_)),
      widths,
      isRight,
    ),
  );
  const left = columns.slice(widths.length).map(({ name }) => plainText(name));
  const note = `… ${left.length} more column${left.length === 1 ? "" : "s"}: ${left.join(", ")}`;
  return [
    head,
    ...(types === "" ? [] : [dim(types)]),
    dim(widths.map((cells) => "─".repeat(cells)).join(GAP)),
    ...lines,
    ...(left.length === 0 ? [] : [dim(cutText(note, width))]),
  ];
}

/** Widths that fit: the widest columns shrink first; if that is not enough, the last columns go. */
function fit(natural: readonly number[], limit: number): readonly number[] {
  const least = (count: number): number =>
    natural
      .slice(0, count)
      .reduce((sum, width) => sum + Math.min(width, MIN_CELLS), GAP.length * (count - 1));
  let count = natural.length;
  while (count > 1 && least(count) > limit) count--;
  const widths = natural.slice(0, count);
  const room = Math.max(1, limit - GAP.length * (count - 1));
  let cap = Math.max(...widths, 1);
  while (cap > 1 && widths.reduce((sum, width) => sum + Math.min(width, cap), 0) > room) cap--;
  return widths.map((width) => Math.min(width, cap));
}

/** Draws a table's columns and keys, and below them what is special about some. */
export function drawDescription(
  { entity, columns, keys }: TableDescription,
  notes: readonly string[],
  width: number,
): readonly string[] {
  const heads = ["column", "type", "partition"].map((name) => ({ name, type: "" }));
  const rows = [
    ...columns.map(({ name, type }) => ({ column: name, type, partition: "" })),
    ...keys.map(({ name, type }) => ({ column: name, type, partition: "yes" })),
  ];
  return [
    entity,
    "",
    ...drawRows(heads, rows, width),
    ...notes.flatMap((note) => wrapText(plainText(note), width)),
  ];
}

/** The first rows of an answer. */
export interface FirstRows {
  readonly rows: readonly Row[];
  /** How many rows the answer has. Undefined where a cluster has not computed all of them. */
  readonly total: number | undefined;
}

/** Takes the first rows of an answer. */
export async function firstRows(cursor: QueryCursor, limit: number): Promise<FirstRows> {
  const rows: Row[] = [];
  let isWhole = true;
  for await (const batch of cursor) {
    const room = limit - rows.length;
    for (const row of batch.slice(0, room)) rows.push(row);
    isWhole = batch.length <= room;
    if (!isWhole) break;
  }
  const { rowCount, cluster } = cursor.stats;
  return { rows, total: isWhole || cluster === undefined ? rowCount : undefined };
}

/** Says that an answer has more rows than are shown, if it has. */
export function moreRows({ rows, total }: FirstRows): string | undefined {
  if (total === undefined) return "… more rows";
  return total > rows.length ? `… ${formatCounted(total - rows.length, "more row")}` : undefined;
}

/** How many rows an answer has: `3 rows`, or `the first 100 rows`. */
export function countRows({ rows, total }: FirstRows): string {
  return total === undefined ? `the first ${formatCounted(rows.length, "row")}` : formatCounted(total, "row");
}
