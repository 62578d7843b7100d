import type { JSX } from "preact";
import { render } from "preact";
import { lazy, Suspense } from "preact/compat";
import { useEffect, useRef } from "preact/hooks";
import type { ComparedTable, TableCard } from "../src/answers.ts";
import { bytesText, counted, countText, timeText } from "./format.ts";
import { MapView } from "./map-view.tsx";
import { PlacesView } from "./places-view.tsx";
import { followRuns, RunsView } from "./runs-view.tsx";
import { SchemaView } from "./schema-view.tsx";
import {
  card,
  chooseTable,
  comparison,
  entity,
  follow,
  overview,
  problem,
  refresh,
  runs,
  type View,
  view,
} from "./state.ts";
import "./style.css";

const SqlView = lazy(() => import("./sql-view.tsx").then((module) => module.SqlView));

/** The space left before the current card, in pixels. */
const CARD_MARGIN = 12;

const VIEWS: readonly (readonly [View, string])[] = [
  ["map", "Partitions"],
  ["schema", "Files and schema"],
  ["sql", "SQL"],
  ["places", "Two places"],
];

function Page(): JSX.Element {
  return (
    <>
      <Header />
      <Tables />
      <main>
        {problem.value !== "" && (
          <p class="problem" role="alert">
            {problem.value}
          </p>
        )}
        <Main />
      </main>
    </>
  );
}

function Header(): JSX.Element {
  const now = overview.value;
  return (
    <header>
      <strong>Parquetry</strong>
      <span class="path">{now?.root}</span>
      <span class="quiet" aria-live="polite">
        {now === undefined
          ? ""
          : now.listing.isDone
            ? counted(now.listing.objects, "object")
            : `listing… ${counted(now.listing.objects, "object")}`}
      </span>
      <button type="button" disabled={now?.listing.isDone !== true} onClick={refresh}>
        List again
      </button>
      {now?.listing.error !== undefined && <p class="problem">{now.listing.error}</p>}
    </header>
  );
}

function Tables(): JSX.Element {
  const now = overview.value;
  const list = useRef<HTMLElement>(null);
  const isEmpty = now === undefined;
  useEffect(() => {
    const current = list.current?.querySelector<HTMLElement>('[aria-current="true"]');
    // Not by scrollIntoView, which may scroll the page as well.
    if (current)
      list.current?.scrollTo(current.offsetLeft - CARD_MARGIN, current.offsetTop - CARD_MARGIN * 10);
  }, [entity.value, isEmpty]);
  return (
    <nav aria-label="Tables" ref={list}>
      {now?.hasRuns && <RunsCard />}
      {now?.tables.map((one) => (
        <Card key={one.entity} {...one} />
      ))}
      {onlyAtTarget().map(({ entity: name, total }) => (
        <button
          key={name}
          type="button"
          class="card"
          aria-current={view.value !== "runs" && name === entity.value}
          onClick={() => {
            chooseTable(name);
            view.value = "places";
          }}
        >
          <strong>{name === "" ? "(no table)" : name}</strong>
          <span>
            {Object.entries(total)
              .filter(([, files]) => files > 0)
              .map(([verdict, files]) => `${countText(files)} ${verdict}`)
              .join(", ")}
          </span>
        </button>
      ))}
    </nav>
  );
}

function Card(one: TableCard): JSX.Element {
  const { entity: name, rows, gaps = 0, drifting = 0, unreadable = 0 } = one;
  const badges = [
    ...(drifting > 0 ? ["drift"] : []),
    ...(gaps > 0 ? [counted(gaps, "gap")] : []),
    ...(one.strays > 0 ? [counted(one.strays, "stray")] : []),
    ...(one.smallFiles > one.partitions ? ["small files"] : []),
    ...(unreadable > 0 ? [`${countText(unreadable)} unreadable`] : []),
  ];
  return (
    <button
      type="button"
      class="card"
      aria-current={view.value !== "runs" && name === entity.value}
      onClick={() => chooseTable(name)}
    >
      <strong>{name}</strong>
      <span>
        {counted(one.partitions, "partition")}, {counted(one.files, "file")}
      </span>
      <span>
        {bytesText(one.bytes)}, {rows === undefined ? "rows not counted" : counted(rows, "row")}
      </span>
      <span>{timeText(one.newest)}</span>
      <span class="badges">
        {badges.map((text) => (
          <em key={text}>{text}</em>
        ))}
      </span>
    </button>
  );
}

/** The entries that only the comparison knows: tables that the first place lacks, and files of no table. */
function onlyAtTarget(): readonly ComparedTable[] {
  const known = new Set(overview.value?.tables.map(({ entity: name }) => name));
  return comparison.value?.tables.filter(({ entity: name }) => !known.has(name)) ?? [];
}

function RunsCard(): JSX.Element {
  const live = runs.value.filter(({ state }) => state === "running").length;
  return (
    <button
      type="button"
      class="card"
      aria-current={view.value === "runs"}
      onClick={() => {
        view.value = "runs";
      }}
    >
      <strong>Migrations</strong>
      <span>
        {live > 0
          ? `${live} running`
          : runs.value.length === 0
            ? "none so far"
            : counted(runs.value.length, "run")}
      </span>
    </button>
  );
}

function Main(): JSX.Element | null {
  if (view.value === "runs") return <RunsView />;
  const now = overview.value;
  if (now === undefined) return null;
  if (entity.value === "" && comparison.value === undefined)
    return now.listing.isDone && now.listing.error === undefined && now.tables.length === 0 ? (
      <>
        <h1>No tables</h1>
        <p>
          A table is a folder of Parquet or CSV files below the root, such as{" "}
          <span class="path">raw/games/year=2024/data.parquet</span>.
        </p>
      </>
    ) : null;
  return (
    <>
      <h1>{entity.value === "" ? "Files of no table" : entity.value}</h1>
      <p class="quiet">
        {card.value &&
          (card.value.keys.length > 0 ? `partitioned by ${card.value.keys.join(", ")}` : "not partitioned")}
      </p>
      <div role="tablist" aria-label="Views" class="tabs">
        {VIEWS.filter(([name]) => name !== "places" || now.isCompared).map(([name, label]) => (
          <button
            key={name}
            type="button"
            role="tab"
            aria-selected={view.value === name}
            onClick={() => {
              view.value = name;
            }}
          >
            {label}
          </button>
        ))}
      </div>
      <div role="tabpanel" aria-label={VIEWS.find(([name]) => name === view.value)?.[1]}>
        {view.value === "map" && <MapView />}
        {view.value === "schema" && <SchemaView />}
        {view.value === "places" && <PlacesView />}
        {view.value === "sql" && (
          <Suspense fallback={<p class="quiet">Loading the editor…</p>}>
            <SqlView />
            <MapView />
          </Suspense>
        )}
      </div>
    </>
  );
}

const root = document.getElementById("page");
if (root !== null) render(<Page />, root);
void follow();
void followRuns();
