import { autocompletion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { type SQLNamespace, StandardSQL, sql } from "@codemirror/lang-sql";
import { syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState } from "@codemirror/state";
import { keymap } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";
import { signal } from "@preact/signals";
import { basicSetup, EditorView } from "codemirror";
import type { JSX } from "preact";
import { lazy, Suspense } from "preact/compat";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Explanation, QueryState } from "../src/answers.ts";
import { sortValues } from "../src/map/sort-values.ts";
import type { QueryRequests, RequestPrice } from "../src/price.ts";
import { ask, post } from "./api.ts";
import { COPY_FORMS } from "./copy-forms.ts";
import { bytesText, counted, countText, usdText } from "./format.ts";
import { loadHistory, queryHistory, remember } from "./query-history.ts";
import { ResultGrid } from "./result-grid.tsx";
import { conditionOf } from "./sql-text.ts";
import {
  AUTOMATIC,
  attempt,
  chart,
  describe,
  descriptions,
  entity,
  explanation,
  overview,
  result,
  sqlText,
  table,
} from "./state.ts";

const run = signal<QueryState | undefined>(undefined);
/** Whether there is a result, or will be: its place is kept free, so that nothing moves when it comes. */
const isAsked = signal(result.value !== "");
const Chart = lazy(() => import("./chart.tsx").then((module) => module.Chart));

/** The editor, what the query will read, and its rows. */
export function SqlView(): JSX.Element {
  const root = overview.value?.root;
  useEffect(() => {
    if (root !== undefined) loadHistory(root);
    void attempt(restore);
  }, [root]);
  return (
    <>
      <Editor />
      <Plan />
      <Actions />
      <Result />
    </>
  );
}

function Editor(): JSX.Element {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView | undefined>(undefined);
  const names = useRef(new Compartment());
  // Before the first paint, so that nothing moves after it.
  useLayoutEffect(() => {
    if (host.current === null) return;
    if (sqlText.value === "" && entity.value !== "")
      sqlText.value = `SELECT * FROM "${entity.value}" LIMIT 100`;
    const nonce = document.querySelector<HTMLMetaElement>('meta[name="nonce"]')?.content ?? "";
    const view = new EditorView({
      doc: sqlText.value,
      parent: host.current,
      extensions: [
        EditorView.cspNonce.of(nonce),
        keymap.of([{ key: "Mod-Enter", run: runCommand }]),
        basicSetup,
        names.current.of(language()),
        autocompletion(),
        EditorState.languageData.of(() => [{ autocomplete: completeKeyValue }]),
        syntaxHighlighting(classHighlighter),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": "SQL" }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) {
            sqlText.value = update.state.doc.toString();
            planSoon();
          }
        }),
      ],
    });
    editor.current = view;
    planSoon();
    return () => view.destroy();
  }, []);
  useEffect(() => {
    // Columns are completed of the tables in the text: to describe a table reads some of its files.
    const words = new Set(sqlText.value.match(/[\w/]+/g));
    for (const { entity: name } of overview.value?.tables ?? [])
      if (words.has(name) || words.has(shortName(name))) void describe(name).catch(() => undefined);
  }, [overview.value?.listing.isDone, sqlText.value]);
  const known = descriptions.value;
  useEffect(() => {
    editor.current?.dispatch({ effects: names.current.reconfigure(language()) });
  }, [known]);
  useEffect(() => {
    const text = sqlText.value;
    const view = editor.current;
    if (view !== undefined && view.state.doc.toString() !== text)
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
  }, [sqlText.value]);
  return <div class="editor" ref={host} />;
}

function runCommand(): boolean {
  void start();
  return true;
}

function language(): ReturnType<typeof sql> {
  const schema: Record<string, SQLNamespace> = {};
  for (const { entity: name } of overview.value?.tables ?? []) {
    const description = descriptions.value.get(name);
    const columns = [...(description?.keys ?? []), ...(description?.columns ?? [])];
    const completions = columns.map(({ name: label, type }) => ({ label, detail: type, type: "property" }));
    const label = shortName(name);
    schema[label] = { self: { label, detail: name, type: "type" }, children: completions };
  }
  return sql({ dialect: StandardSQL, schema, upperCaseKeywords: true });
}

const shortName = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

/** The most values of a key that are offered. */
const MAX_VALUES = 500;

/** After a partition key and a comparison, offers the values that the key has. */
function completeKeyValue(context: CompletionContext): CompletionResult | null {
  const before = context.matchBefore(/[\w"]+\s*(?:=|<>|!=|<=?|>=?|\bIN\s*\()\s*(?:[^()]*,\s*)?'?[\w ]*/i);
  const [, name = "", typed = ""] = /^"?(\w+)"?.*?[=<>(,]\s*('?[\w ]*)$/s.exec(before?.text ?? "") ?? [];
  const data = table.value;
  const at = data?.keys.findIndex((key) => key.toLowerCase() === name.toLowerCase()) ?? -1;
  if (data === undefined || at < 0) return null;
  const values = [...new Set(data.levels[at]?.values)].filter((value) => value !== null);
  const options = sortValues(values)
    .slice(0, MAX_VALUES)
    .map((value) => ({
      label: conditionOf(name, value).replace(/^.*? = /, ""),
      type: "constant",
      detail: name,
    }));
  return { from: context.pos - typed.length, options, validFor: /^'?[\w ]*$/ };
}

let planTimer = 0;
let planning: AbortController | undefined;
const planProblem = signal("");

/** Plans the query when the typing pauses. */
function planSoon(): void {
  clearTimeout(planTimer);
  planning?.abort();
  planTimer = setTimeout(async () => {
    planning = new AbortController();
    const { signal: stop } = planning;
    try {
      const text = sqlText.value.trim();
      explanation.value =
        text === "" ? undefined : await post<Explanation>("/api/explain", { sql: text }, stop);
      planProblem.value = "";
    } catch (error) {
      if (stop.aborted) return;
      explanation.value = undefined;
      planProblem.value = error instanceof Error ? error.message : String(error);
    }
  }, 350);
}

function Plan(): JSX.Element {
  const plan = explanation.value;
  if (plan === undefined)
    return <p class={planProblem.value === "" ? "plan" : "plan problem"}>{planProblem.value}</p>;
  return (
    <p class="plan">
      Reads{" "}
      {plan.tables.length === 0
        ? "no table"
        : plan.tables
            .map(
              ({ table: name, partitions, files, bytes, filesCached }) =>
                `${name}: ${counted(partitions, "partition")}, ${counted(files, "file")}, ${bytesText(bytes)}${filesCached === undefined || filesCached === 0 ? "" : ` (${countText(filesCached)} cached)`}`,
            )
            .join("; ")}
      {plan.unpruned !== undefined && <> – every partition, because {plan.unpruned}</>}
      {plan.requests !== undefined && (
        <>
          <br />
          {costText(plan.requests, plan.price)}
        </>
      )}
    </p>
  );
}

/** The requests that the store counts, and their price. */
function costText({ lists, reads, bytes }: QueryRequests, price: RequestPrice | undefined): string {
  const requests = `about ${counted(lists, "LIST request")} and ${counted(reads, "GET request")}, up to ${bytesText(bytes)} downloaded`;
  if (price === undefined) return requests;
  return `${requests}: ${usdText(price.usd)} at ${price.provider} (prices of ${price.pricesOf}, without the free allowance)`;
}

async function start(): Promise<void> {
  await attempt(async () => {
    const text = sqlText.value.trim();
    if (text === "") return;
    isAsked.value = true;
    const before = run.value;
    if (before?.state === "running") await post(`/api/queries/${before.id}/stop`, {});
    remember(overview.value?.root ?? "", text);
    await followRun(await post<QueryState>("/api/queries", { sql: text }));
  });
}

/** Shows the result that the address names, as long as the server has it. */
async function restore(): Promise<void> {
  if (result.value === "" || run.value !== undefined) return;
  await ask<QueryState>(`/api/queries/${encodeURIComponent(result.value)}`).then(followRun, () => {
    result.value = "";
  });
}

async function followRun(started: QueryState): Promise<void> {
  let now = started;
  run.value = now;
  result.value = now.id;
  for (let pause = 30; now.state === "running"; pause = Math.min(500, pause * 1.5)) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    now = await ask<QueryState>(`/api/queries/${now.id}`);
    if (run.value?.id !== now.id) return;
    run.value = now;
  }
}

function Actions(): JSX.Element {
  const now = run.value;
  const isRunning = now?.state === "running";
  const stop = (): Promise<void> =>
    attempt(async () => void (now && (await post(`/api/queries/${now.id}/stop`, {}))));
  return (
    <div class="actions">
      <button type="button" class="main" onClick={() => void start()}>
        Run <kbd>Ctrl ⏎</kbd>
      </button>
      <button type="button" disabled={!isRunning} onClick={stop}>
        Stop
      </button>
      <CopyAs />
      {queryHistory.value.length > 0 && (
        <select
          aria-label="History"
          value=""
          onChange={(event) => {
            sqlText.value = event.currentTarget.value;
          }}
        >
          <option value="">History</option>
          {queryHistory.value.map((text) => (
            <option key={text} value={text}>
              {text.replaceAll(/\s+/g, " ").slice(0, 80)}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}

/** The query as text for other programs. */
function CopyAs(): JSX.Element {
  const copy = (label: string): Promise<void> =>
    attempt(async () => {
      const sql = sqlText.value.trim();
      // The text may have changed since it was planned.
      const { tables } = await post<Explanation>("/api/explain", { sql });
      const form = COPY_FORMS.find(([name]) => name === label)?.[1];
      if (form !== undefined)
        await navigator.clipboard.writeText(form({ root: overview.value?.root ?? "", sql, tables }));
    });
  return (
    <select
      aria-label="Copy as"
      value=""
      onChange={(event) => {
        void copy(event.currentTarget.value);
        event.currentTarget.value = "";
      }}
    >
      <option value="">Copy as…</option>
      {COPY_FORMS.map(([label]) => (
        <option key={label}>{label}</option>
      ))}
    </select>
  );
}

function Result(): JSX.Element | null {
  const now = run.value;
  if (!isAsked.value) return null;
  return (
    <section class="result">
      <p class="status" aria-live="polite">
        {now !== undefined && <Status now={now} />}
      </p>
      <div class="grid">
        {now?.state === "failed" && <p class="problem">{now.error}</p>}
        {/* The grid keeps the widths of its first drawing, which needs a row, because it has no row numbers without one. */}
        {now !== undefined && now.columns.length > 0 && (now.rows > 0 || now.state === "done") && (
          <ResultGrid run={now} />
        )}
      </div>
      <details
        open={chart.value !== ""}
        onToggle={(event) => {
          if (event.currentTarget.open === (chart.value !== "")) return;
          chart.value = event.currentTarget.open ? AUTOMATIC : "";
        }}
      >
        <summary>Chart</summary>
        {chart.value !== "" && now?.state === "done" && (
          <Suspense fallback={<p class="quiet">Loading the chart…</p>}>
            {now.rows > 1 ? (
              <Chart key={now.id} run={now} />
            ) : (
              <p class="quiet">A chart needs more than one row.</p>
            )}
          </Suspense>
        )}
      </details>
    </section>
  );
}

function Status({ now }: { readonly now: QueryState }): JSX.Element {
  const fetching = now.progress?.phase === "fetching" ? now.progress : undefined;
  const seconds = (now.elapsedMs / 1000).toFixed(now.elapsedMs < 10_000 ? 2 : 0);
  return (
    <>
      {now.state === "running" && (
        <>
          Running, {seconds} s
          {fetching !== undefined && (
            <>
              {" "}
              – {countText(fetching.files)} of {counted(fetching.totalFiles, "file")}
            </>
          )}
        </>
      )}
      {now.state === "failed" && <>Failed after {seconds} s</>}
      {now.state === "stopped" && <>Stopped after {seconds} s</>}
      {now.state === "done" && (
        <>
          {counted(now.rows, "row")} in {seconds} s{now.isCut && " – more rows are not kept"}
          {(["csv", "json", "parquet"] as const).map((format) => (
            <a
              key={format}
              href={`/api/queries/${now.id}/download?format=${format}`}
              download={`result.${format}`}
            >
              {format}
            </a>
          ))}
        </>
      )}
    </>
  );
}
