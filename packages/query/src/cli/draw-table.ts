import type { Row } from "@parquetry/core";
import type { QueryColumn } from "../duckdb/duckdb.ts";
import { renderValue } from "./render-value.ts";
import { cutText, padText, plainText, textWidth } from "./text-width.ts";

/** A column is not cut below this many cells; rather are columns left out. */
const MIN_CELLS = 16;
const GAP = "  ";
const NUMERIC = /^(?:U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?|UINTEGER|FLOAT|DOUBLE|DECIMAL)/;

/** Options of {@link drawTable}. */
export interface TableOptions {
  /** The widest a line may be, in cells; no limit where absent. */
  readonly width?: number | undefined;
  /** True underlines the header by colour codes. */
  readonly color: boolean;
}

/**
 * Draws rows as an aligned table: names, types, a rule, rows; numbers to the right. Where the width does not do, wide
 * columns are cut, and then the last columns left out, which a line below says.
 */
export function drawTable(
  columns: readonly QueryColumn[],
  rows: readonly Row[],
  options: TableOptions,
): string {
  const cells = columns.map(({ name, type }) =>
    rows.map((row) => plainText(renderValue(row[name], type, "NULL"))),
  );
  const heads = columns.map(({ name, type }) => [plainText(name), type.toLowerCase()] as const);
  const natural = columns.map((_, i) =>
    Math.max(1, ...(heads[i] ?? []).map(textWidth), ...(cells[i] ?? []).map(textWidth)),
  );
  const widths = fit(natural, options.width);
  const shown = columns.slice(0, widths.length);
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => padText(cutText(text, widths[i] ?? 0), widths[i] ?? 0, isNumeric(columns[i])))
      .join(GAP)
      .trimEnd();
  const dim = (text: string): string => (options.color ? `\u001b[2m${text}\u001b[22m` : text);
  const lines = [
    line(shown.map((_, i) => heads[i]?.[0] ?? "")),
    ...(shown.some(({ type }) => type !== "") ? [dim(line(shown.map((_, i) => heads[i]?.[1] ?? "")))] : []),
    dim(widths.map((width) => "─".repeat(width)).join(GAP)),
    ...rows.map((_, r) => line(shown.map((__, i) => cells[i]?.[r] ?? ""))),
  ];
  if (shown.length < columns.length) {
    const left = columns.slice(shown.length).map(({ name }) => plainText(name));
    const note = `… ${left.length} more column${left.length === 1 ? "" : "s"}: ${left.join(", ")}`;
    lines.push(dim(options.width === undefined ? note : cutText(note, options.width)));
  }
  return `${lines.join("\n")}\n`;
}

/** Widths that fit: the widest columns give first; where even that is too much, the last columns go. */
function fit(natural: readonly number[], limit: number | undefined): readonly number[] {
  if (limit === undefined) return natural;
  let count = natural.length;
  const least = (n: number): number =>
    natural.slice(0, n).reduce((sum, width) => sum + Math.min(width, MIN_CELLS), GAP.length * (n - 1));
  while (count > 1 && least(count) > limit) count--;
  const widths = natural.slice(0, count);
  const room = Math.max(1, limit - GAP.length * (count - 1));
  let cap = Math.max(...widths, 1);
  while (cap > 1 && widths.reduce((sum, width) => sum + Math.min(width, cap), 0) > room) cap--;
  return widths.map((width) => Math.min(width, cap));
}

function isNumeric(column: QueryColumn | undefined): boolean {
  return column !== undefined && NUMERIC.test(column.type) && !column.type.endsWith("[]");
}
