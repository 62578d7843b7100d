import type { QueryState } from "../src/answers.ts";

type Column = QueryState["columns"][number];

export const CHART_KINDS = ["bar", "line", "dot", "histogram", "heat"] as const;
export type ChartKind = (typeof CHART_KINDS)[number];

/** Which columns a chart shows. */
export interface ChartPlan {
  readonly kind: ChartKind;
  readonly x: string;
  readonly y: string | undefined;
  readonly colour: string | undefined;
}

/** Reads a plan of the address, which may be of another result. */
export function planOf(text: string, columns: readonly Column[]): ChartPlan | undefined {
  try {
    const { kind, x, y, colour }: Partial<ChartPlan> = JSON.parse(text);
    const isColumn = (name: unknown): boolean => columns.some((column) => column.name === name);
    const known = CHART_KINDS.find((one) => one === kind);
    if (known === undefined || x === undefined || !isColumn(x)) return undefined;
    return { kind: known, x, y: isColumn(y) ? y : undefined, colour: isColumn(colour) ? colour : undefined };
  } catch {
    return undefined;
  }
}

const NUMBER = /INT|^DECIMAL|^DOUBLE$|^FLOAT$/;
const TIME = /^DATE$|^TIMESTAMP/;

export const isNumber = ({ type }: Column): boolean => NUMBER.test(type) && !type.endsWith("]");
export const isTime = ({ type }: Column): boolean => TIME.test(type) && !type.endsWith("]");

/** Chooses a chart by the types of the columns and the rows, or undefined where none fits. */
export function automaticChart(
  columns: readonly Column[],
  rows: readonly (readonly (string | null)[])[],
): ChartPlan | undefined {
  const numbers = columns.filter(isNumber);
  const times = columns.filter(isTime);
  const texts = columns.filter((column) => !isNumber(column) && !isTime(column));
  const [first, second, third] = numbers;
  const plan = (kind: ChartKind, x?: Column, y?: Column, colour?: Column): ChartPlan | undefined =>
    x && { kind, x: x.name, y: y?.name, colour: colour?.name };
  // A query usually selects its groups before the numbers that it computes.
  const after = (column: Column): Column | undefined =>
    numbers.find((number) => columns.indexOf(number) > columns.indexOf(column)) ?? first;
  if (times[0] !== undefined && first !== undefined) return plan("line", times[0], after(times[0]), texts[0]);
  if (texts.length >= 2 && first !== undefined && columns.length === 3)
    return plan("heat", texts[0], texts[1], first);
  if (texts[0] !== undefined && first !== undefined) return plan("bar", texts[0], after(texts[0]));
  if (third !== undefined && numbers.length === columns.length) {
    // Two of the first columns are axes if their values are few, and each pair of them is in one row.
    for (const [x, y, value] of [
      [0, 1, 2],
      [0, 2, 1],
      [1, 2, 0],
    ] as const)
      if (areAxes(rows, x, y)) return plan("heat", numbers[x], numbers[y], numbers[value]);
    if (columns.length === 3) return plan("dot", first, second, third);
  }
  if (second !== undefined && columns.length === 2 && isAscending(rows)) return plan("line", first, second);
  if (second !== undefined) return plan("dot", first, second);
  return plan("histogram", first);
}

/** Whether each row has a larger number in its first column than the row before: a query that groups by it, and sorts. */
function isAscending(rows: readonly (readonly (string | null)[])[]): boolean {
  return rows.every(([value], i) => value !== null && (i === 0 || Number(value) > Number(rows[i - 1]?.[0])));
}

/** The most values of an axis of cells. */
const MAX_CELLS = 100;

function areAxes(rows: readonly (readonly (string | null)[])[], x: number, y: number): boolean {
  const [xs, ys] = [x, y].map((at) => new Set(rows.map((cells) => cells[at])).size);
  if (xs === undefined || ys === undefined || Math.max(xs, ys) > MAX_CELLS) return false;
  const pairs = new Set(rows.map((cells) => JSON.stringify([cells[x], cells[y]])));
  return pairs.size === rows.length && xs * ys <= 4 * rows.length;
}
