import * as Plot from "@observablehq/plot";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { QueryState } from "../src/answers.ts";
import { ask, query } from "./api.ts";
import {
  automaticChart,
  CHART_KINDS,
  type ChartKind,
  type ChartPlan,
  isNumber,
  isTime,
} from "./chart-kind.ts";
import { countText } from "./format.ts";
import { attempt } from "./state.ts";

/** Rows that a chart shows. */
const MAX_POINTS = 5000;

type Datum = Record<string, unknown>;

/** One chart of a result: the kind and the columns are chosen by their types, and can be changed. */
export function Chart({ run }: { readonly run: QueryState }): JSX.Element | null {
  const host = useRef<HTMLDivElement>(null);
  const data = useSignal<readonly Datum[]>([]);
  const plan = useSignal<ChartPlan | undefined>(automaticChart(run.columns));
  useEffect(() => {
    plan.value = automaticChart(run.columns);
    void attempt(async () => {
      const end = Math.min(run.rows, MAX_POINTS);
      const rows: readonly (readonly (string | null)[])[] = await ask(
        query(`/api/queries/${run.id}/rows`, { start: "0", end: `${end}` }),
      );
      data.value = rows.map((cells) =>
        Object.fromEntries(run.columns.map((column, i) => [column.name, datumOf(cells[i] ?? null, column)])),
      );
    });
  }, [run.id]);
  const now = plan.value;
  useEffect(() => {
    if (host.current === null || now === undefined || data.value.length === 0) return;
    const figure = Plot.plot({
      width: Math.min(900, host.current.clientWidth || 900),
      height: 320,
      marginLeft: 70,
      marginBottom: 50,
      style: { background: "transparent", color: "currentColor" },
      ...optionsOf(now, data.value),
    });
    const nonce = document.querySelector<HTMLMetaElement>('meta[name="nonce"]')?.content ?? "";
    for (const style of figure.querySelectorAll("style")) style.nonce = nonce;
    host.current.replaceChildren(figure);
  }, [now, data.value]);
  if (now === undefined) return <p class="quiet">No column can be drawn.</p>;
  const names = run.columns.map(({ name }) => name);
  const choose = (label: string, field: "x" | "y" | "colour"): JSX.Element => (
    <label>
      {label}{" "}
      <select
        value={now[field] ?? ""}
        onChange={(event) => {
          plan.value = { ...now, [field]: event.currentTarget.value || undefined };
        }}
      >
        {field !== "x" && <option value="">–</option>}
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
  return (
    <section class="chart">
      <div class="choices">
        <label>
          Chart{" "}
          <select
            value={now.kind}
            onChange={(event) => {
              plan.value = { ...now, kind: event.currentTarget.value as ChartKind };
            }}
          >
            {CHART_KINDS.map((kind) => (
              <option key={kind}>{kind}</option>
            ))}
          </select>
        </label>
        {choose("x", "x")}
        {now.kind !== "histogram" && choose("y", "y")}
        {now.kind !== "histogram" && choose("colour", "colour")}
        {run.rows > MAX_POINTS && <span class="quiet">the first {countText(MAX_POINTS)} rows</span>}
      </div>
      <div
        ref={host}
        role="img"
        aria-label={`${now.kind} chart of ${now.x}${now.y ? ` and ${now.y}` : ""}`}
      />
    </section>
  );
}

function datumOf(cell: string | null, column: QueryState["columns"][number]): unknown {
  if (cell === null) return null;
  if (isNumber(column)) return Number(cell);
  if (isTime(column)) {
    const date = new Date(/[zZ]$|[+-]\d\d(?::?\d\d)?$/.test(cell) || cell.length <= 10 ? cell : `${cell}Z`);
    return Number.isNaN(date.getTime()) ? null : date;
  }
  return cell;
}

function optionsOf({ kind, x, y, colour }: ChartPlan, data: readonly Datum[]): Plot.PlotOptions {
  const rows = [...data];
  const plain = "var(--scale-high)";
  const place = { x, ...(y !== undefined && { y }) };
  const fill = colour ?? plain;
  const stroke = colour ?? plain;
  const marks: Plot.Markish =
    kind === "histogram"
      ? Plot.rectY(rows, { ...Plot.binX<Plot.RectYOptions>({ y: "count" }, { x }), fill: plain })
      : kind === "line"
        ? Plot.lineY(rows, { ...place, sort: x, stroke })
        : kind === "dot"
          ? Plot.dot(rows, { ...place, stroke })
          : kind === "heat"
            ? Plot.cell(rows, { ...place, fill })
            : Plot.barY(rows, { ...place, fill, sort: { x: "-y", limit: 60 } });
  return {
    marks: [marks],
    ...(colour !== undefined && { color: { legend: true } }),
    ...(kind === "bar" && { x: { tickRotate: -30 } }),
  };
}
