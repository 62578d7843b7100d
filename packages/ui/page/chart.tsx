import * as Plot from "@observablehq/plot";
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { QueryState } from "../src/answers.ts";
import { ask, query } from "./api.ts";
import {
  automaticChart,
  CHART_KINDS,
  type ChartKind,
  type ChartPlan,
  isNumber,
  isTime,
  planOf,
} from "./chart-kind.ts";
import { countText } from "./format.ts";
import { attempt, chart } from "./state.ts";

/** Bars, and names of categories, that have room. */
const [MAX_BARS, MAX_TICKS] = [30, 16];
/** Rows that a chart shows. */
const MAX_POINTS = 5000;

type Cells = readonly (string | null)[];
type Datum = Record<string, unknown>;

/** One chart of a result: the kind and the columns are chosen by their types, and can be changed. */
export function Chart({ run }: { readonly run: QueryState }): JSX.Element | null {
  const host = useRef<HTMLDivElement>(null);
  const found = useSignal<readonly Cells[] | undefined>(undefined);
  useEffect(() => {
    void attempt(async () => {
      const end = Math.min(run.rows, MAX_POINTS);
      found.value = await ask(query(`/api/queries/${run.id}/rows`, { start: "0", end: `${end}` }));
    });
  }, [run.id]);
  const rows = found.value;
  const now = useMemo(
    () => rows && (planOf(chart.value, run.columns) ?? automaticChart(run.columns, rows)),
    [rows, chart.value],
  );
  const data = useMemo(
    () =>
      rows?.map((cells) =>
        Object.fromEntries(run.columns.map((column, i) => [column.name, datumOf(cells[i] ?? null, column)])),
      ) ?? [],
    [rows],
  );
  const choosePlan = (plan: ChartPlan): void => {
    chart.value = JSON.stringify(plan);
  };
  useEffect(() => {
    if (host.current === null || now === undefined || data.length === 0) return;
    const figure = Plot.plot({
      width: Math.min(900, host.current.clientWidth || 900),
      height: 320,
      marginLeft: 70,
      marginBottom: 60,
      style: { background: "transparent", color: "currentColor" },
      ...optionsOf(now, data, run.columns),
    });
    const nonce = document.querySelector<HTMLMetaElement>('meta[name="nonce"]')?.content ?? "";
    for (const style of figure.querySelectorAll("style")) style.nonce = nonce;
    // The picture has one label; the labels of its parts are not allowed without a role.
    for (const part of figure.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
    host.current.replaceChildren(figure);
  }, [now, data]);
  if (rows === undefined) return <p class="quiet">Loading the chart…</p>;
  if (now === undefined) return <p class="quiet">No column can be drawn.</p>;
  const names = run.columns.map(({ name }) => name);
  const choose = (label: string, field: "x" | "y" | "colour"): JSX.Element => (
    <label>
      {label}{" "}
      <select
        value={now[field] ?? ""}
        onChange={(event) => {
          choosePlan({ ...now, [field]: event.currentTarget.value || undefined });
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
              choosePlan({ ...now, kind: event.currentTarget.value as ChartKind });
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

/** The names of some of many categories, since those of all of them would overlap. */
function fewTicks(rows: readonly Datum[], name: string, kind: ChartKind): { readonly ticks?: string[] } {
  const values = new Set(rows.map(({ [name]: value }) => value));
  if (kind === "bar" || values.size <= MAX_TICKS || typeof [...values][0] !== "string") return {};
  const step = Math.ceil(values.size / MAX_TICKS);
  return {
    ticks: [...values]
      .map(String)
      .sort()
      .filter((_, i) => i % step === 0),
  };
}

/** Years have no thousands separator, and nothing between them. */
function yearFormat(
  rows: readonly Datum[],
  name: string,
): { readonly tickFormat?: (value: unknown) => string; readonly ticks?: number[] } {
  const years = new Set(rows.map(({ [name]: value }) => Number(value)));
  if (![...years].every((year) => Number.isInteger(year) && year >= 1000 && year <= 9999)) return {};
  return { tickFormat: String, ...(years.size <= MAX_TICKS && { ticks: [...years] }) };
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

function optionsOf(
  { kind, x, y, colour }: ChartPlan,
  data: readonly Datum[],
  columns: QueryState["columns"],
): Plot.PlotOptions {
  const rows = [...data];
  const plain = "var(--scale-high)";
  const place = { x, ...(y !== undefined && { y }) };
  // A function, since the name of a column may be that of a colour.
  const own = colour === undefined ? plain : { value: (row: Datum) => row[colour] as string, label: colour };
  const [fill, stroke] = [own, own];
  const isScale = columns.some((column) => column.name === colour && isNumber(column));
  const marks: Plot.Markish =
    kind === "histogram"
      ? Plot.rectY(rows, { ...Plot.binX<Plot.RectYOptions>({ y: "count" }, { x }), fill: plain })
      : kind === "line"
        ? Plot.lineY(rows, { ...place, sort: x, stroke, ...(colour !== undefined && { z: colour }) })
        : kind === "dot"
          ? Plot.dot(rows, { ...place, stroke })
          : kind === "heat"
            ? Plot.cell(rows, { ...place, fill })
            : Plot.barY(rows, { ...place, fill, sort: { x: "-y", limit: MAX_BARS } });
  return {
    marks: [marks],
    ...(colour !== undefined && { color: { legend: true, ...(isScale && { scheme: "viridis" }) } }),
    x: { ...yearFormat(rows, x), ...(kind === "bar" && { tickRotate: -45 }), ...fewTicks(rows, x, kind) },
    ...(y !== undefined && { y: yearFormat(rows, y) }),
  };
}
