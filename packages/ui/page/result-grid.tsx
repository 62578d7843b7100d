import "regular-table";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { RegularTableElement } from "regular-table";
import type { ColumnSummary, QueryState } from "../src/answers.ts";
import { ask, query } from "./api.ts";
import { type ResultHeader, resultHeader } from "./result-header.ts";
import { attempt } from "./state.ts";

const NUMBER = /INT|^DECIMAL|^DOUBLE$|^FLOAT$/;
/** Rows of one request. */
const PAGE = 200;
/** Pages that are kept. */
const KEPT = 50;

type Cells = readonly (string | null)[];

/** The rows of a result below the summaries of its columns: the ones on the screen are asked of the server. */
export function ResultGrid({ run }: { readonly run: QueryState }): JSX.Element {
  const host = useRef<RegularTableElement>(null);
  const shown = useRef<readonly ResultHeader[]>([]);
  const latest = useRef(run);
  latest.current = run;
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const { id, columns } = run;
    const headers = columns.map(resultHeader);
    shown.current = headers;
    const pages = new Map<number, Promise<readonly Cells[]>>();
    const page = (index: number): Promise<readonly Cells[]> => {
      let rows = pages.get(index);
      if (rows === undefined) {
        const [start, end] = [index * PAGE, (index + 1) * PAGE];
        rows = ask<readonly Cells[]>(query(`/api/queries/${id}/rows`, { start: `${start}`, end: `${end}` }));
        // A page that is not full yet is asked again.
        void rows.then(
          (got) => got.length < PAGE && pages.delete(index),
          () => pages.delete(index),
        );
        pages.set(index, rows);
        const oldest = pages.keys().next().value;
        if (pages.size > KEPT && oldest !== undefined) pages.delete(oldest);
      }
      return rows;
    };
    element.setDataListener(async (x0, y0, x1, y1) => {
      const rows: Cells[] = [];
      for (let index = Math.floor(y0 / PAGE); index * PAGE < y1; index++) {
        const own = await page(index);
        rows.push(...own.slice(Math.max(0, y0 - index * PAGE), y1 - index * PAGE));
      }
      const inView = columns.slice(x0, x1);
      return {
        num_rows: latest.current.rows,
        num_columns: columns.length,
        // Elements are documented, and missing in the type.
        column_headers: headers.slice(x0, x1).map(({ element: header }) => [header as unknown as string]),
        row_headers: rows.map((_, i) => [`${y0 + i + 1}`]),
        data: inView.map((_, i) => rows.map((cells) => cells[x0 + i] ?? "NULL")),
        metadata: inView.map((_, i) => rows.map((cells) => (cells[x0 + i] === null ? "null" : ""))),
      };
    });
    element.addStyleListener(() => {
      // Above the numbers of the rows is nothing.
      element.querySelector("thead th")?.setAttribute("role", "presentation");
      for (const cell of element.querySelectorAll("tbody td")) {
        const meta = element.getMeta(cell as HTMLTableCellElement);
        if (meta?.type !== "body") continue;
        cell.classList.toggle("null", meta.user === "null");
        cell.classList.toggle("number", NUMBER.test(columns[meta.x]?.type ?? ""));
      }
    });
    void element.draw();
  }, [run.id, run.columns.length]);
  useEffect(() => {
    void host.current?.draw();
  }, [run.rows]);
  useEffect(() => {
    if (run.state !== "done" || run.rows === 0) return;
    void attempt(async () => {
      const summaries: readonly ColumnSummary[] = await ask(`/api/queries/${run.id}/summaries`);
      for (const [i, summary] of summaries.entries()) shown.current[i]?.show(summary);
    });
  }, [run.id, run.state]);
  return <regular-table ref={host} tabindex={0} aria-label="Result" />;
}
