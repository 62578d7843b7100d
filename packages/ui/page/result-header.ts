import type { ColumnSummary, QueryState } from "../src/answers.ts";
import { countText } from "./format.ts";

/** The header of a column: its name and type, and its NULL share and distribution as soon as they are known. */
export interface ResultHeader {
  readonly element: HTMLElement;
  readonly show: (summary: ColumnSummary) => void;
}

const SVG = "http://www.w3.org/2000/svg";

/** Makes the header of a column. The grid moves the element from cell to cell as the columns scroll. */
export function resultHeader({ name, type }: QueryState["columns"][number]): ResultHeader {
  const line = (kind: string, text: string): HTMLElement => {
    const element = document.createElement("span");
    element.className = kind;
    element.textContent = text;
    element.title = text;
    return element;
  };
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  const range = line("quiet", "");
  const nulls = line("quiet", "");
  const element = document.createElement("div");
  element.className = "column";
  element.append(line("name", name), line("quiet", type), picture, range, nulls);
  return {
    element,
    show(summary) {
      const bars = summary.range?.bars ?? summary.distinct?.top.map(([, count]) => count) ?? [];
      picture.setAttribute("viewBox", `0 0 ${Math.max(1, bars.length)} 1`);
      const most = Math.max(1, ...bars);
      picture.replaceChildren(
        ...bars.map((count, i) => {
          const bar = document.createElementNS(SVG, "rect");
          const [width, height] = [0.9, count / most];
          for (const [key, value] of Object.entries({ x: i + 0.05, y: 1 - height, width, height }))
            bar.setAttribute(key, String(value));
          return bar;
        }),
      );
      range.textContent = distributionText(summary);
      range.title = range.textContent;
      const share = (100 * summary.nulls) / Math.max(1, summary.rows);
      nulls.textContent = `${share.toFixed(summary.nulls === 0 ? 0 : 1)} % NULL`;
    },
  };
}

function distributionText({ range, distinct }: ColumnSummary): string {
  if (range !== undefined)
    return [range.least, range.most].map((number) => String(Number(number.toPrecision(6)))).join(" to ");
  if (distinct === undefined || distinct.count === 0) return "";
  const values = `${distinct.isMore ? "over " : ""}${countText(distinct.count)} value${distinct.count === 1 ? "" : "s"}`;
  return `${values}, most often ${distinct.top[0]?.[0]}`;
}
