import { cutText, padText, textWidth } from "./text-width.ts";

/** The gap between two columns. */
export const GAP = "  ";

/**
 * Lays rows out in columns: the first one to the left, the others to the right, two spaces between. Where the table would
 * be wider than `width`, the first column is cut in its middle.
 *
 * @param width the widest line, in cells.
 * @example
 * ```ts
 * formatTable([["folder", "files"], ["raw", "5,300"]]); // ["folder  files", "raw     5,300"]
 * ```
 */
export function formatTable(
  rows: readonly (readonly string[])[],
  width: number = Number.POSITIVE_INFINITY,
): readonly string[] {
  const columns = rows.reduce((most, { length }) => Math.max(most, length), 0);
  const widths = Array.from({ length: columns }, (_, column) => columnWidth(rows, column));
  const rest = widths.slice(1).reduce((sum, cells) => sum + cells + GAP.length, 0);
  const first = Math.min(widths[0] ?? 0, Math.max(12, width - rest));
  widths[0] = first;
  const isRight = widths.map((_, column) => column > 0);
  return rows.map(([name = "", ...cells]) =>
    layOut([cutText(name, first, Math.floor((first - 1) / 3)), ...cells], widths, isRight),
  );
}

/** The width of the widest cell of a column. */
export function columnWidth(rows: readonly (readonly string[])[], column: number): number {
  return rows.reduce((most, cells) => Math.max(most, textWidth(cells[column] ?? "")), 0);
}

/** One line of a table: cells padded to their columns' widths, on the right where they are not right-aligned. */
export function layOut(
  cells: readonly string[],
  widths: readonly number[],
  isRight: readonly boolean[],
): string {
  return cells
    .map((cell, column) => padText(cell, widths[column] ?? 0, isRight[column] === true))
    .join(GAP)
    .trimEnd();
}
