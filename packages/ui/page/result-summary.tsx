import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ColumnSummary, QueryState } from "../src/answers.ts";
import { ask } from "./api.ts";
import { countText } from "./format.ts";
import { attempt } from "./state.ts";

/** The NULL share and the distribution of each column. */
export function ResultSummary({ run }: { readonly run: QueryState }): JSX.Element | null {
  const summaries = useSignal<readonly ColumnSummary[]>([]);
  useEffect(() => {
    summaries.value = [];
    if (run.state !== "done" || run.rows === 0) return;
    void attempt(async () => {
      summaries.value = await ask(`/api/queries/${run.id}/summaries`);
    });
  }, [run.id, run.state]);
  if (summaries.value.length === 0) return null;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it
    <section class="summaries" tabIndex={0} aria-label="Columns of the result">
      {summaries.value.map((one) => (
        <Figure key={one.name} {...one} />
      ))}
    </section>
  );
}

function Figure({ name, rows, nulls, range, distinct }: ColumnSummary): JSX.Element {
  const bars = range?.bars ?? distinct?.top.map(([, count]) => count) ?? [];
  const most = Math.max(1, ...bars);
  const told =
    range === undefined
      ? distinct === undefined
        ? ""
        : distinct.count === 0
          ? ""
          : `${distinct.isMore ? "over " : ""}${countText(distinct.count)} values, most often ${distinct.top[0]?.[0]}`
      : `${range.least} to ${range.most}`;
  return (
    <figure>
      <figcaption title={name}>
        <strong>{name}</strong>
      </figcaption>
      <svg
        viewBox={`0 0 ${Math.max(1, bars.length)} 1`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${name}: ${told}`}
      >
        {bars.map((count, i) => (
          <rect key={i} x={i + 0.05} width={0.9} y={1 - count / most} height={count / most} />
        ))}
      </svg>
      <figcaption class="quiet" title={told}>
        {told}
      </figcaption>
      <figcaption class="quiet">
        {((100 * nulls) / Math.max(1, rows)).toFixed(nulls === 0 ? 0 : 1)} % NULL
      </figcaption>
    </figure>
  );
}
