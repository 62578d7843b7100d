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

const NUMBER = /INT|^DECIMAL|^DOUBLE$|^FLOAT$/;
const TIME = /^DATE$|^TIMESTAMP/;

export const isNumber = ({ type }: Column): boolean => NUMBER.test(type) && !type.endsWith("]");
export const isTime = ({ type }: Column): boolean => TIME.test(type) && !type.endsWith("]");

/** Chooses a chart by the types of the columns, or undefined where none fits. */
export function automaticChart(columns: readonly Column[]): ChartPlan | undefined {
  const numbers = columns.filter(isNumber);
  const times = columns.filter(isTime);
  const texts = columns.filter((column) => !isNumber(column) && !isTime(column));
  const [first, second, third] = numbers;
  const plan = (kind: ChartKind, x?: Column, y?: Column, colour?: Column): ChartPlan | undefined =>
    x && { kind, x: x.name, y: y?.name, colour: colour?.name };
  if (times[0] !== undefined && first !== undefined) return plan("line", times[0], first, texts[0]);
  if (texts.length >= 2 && first !== undefined && columns.length === 3)
    return plan("heat", texts[0], texts[1], first);
  if (texts[0] !== undefined && first !== undefined) return plan("bar", texts[0], first);
  if (columns.length === 3 && third !== undefined) return plan("heat", first, second, third);
  if (second !== undefined) return plan("dot", first, second);
  return plan("histogram", first);
}
