import { batch, computed, effect, signal } from "@preact/signals";
import type {
  ComparisonOverview,
  Description,
  Explanation,
  Overview,
  PartitionCounts,
  TableData,
} from "../src/answers.ts";
import type { RunStatus } from "../src/run-status.ts";
import { ask, askPartitions, post, query } from "./api.ts";

export type View = "map" | "schema" | "sql" | "places" | "runs";
export type Measure = "bytes" | "files" | "newest" | "rows" | "nulls";

/** The address keeps these: a reload or a shared address shows the same. */
export const entity = signal("");
export const view = signal<View>("map");
export const measure = signal<Measure>("bytes");
export const nullColumn = signal("");
export const sqlText = signal("");
/** The result that is shown, by its name at the server. */
export const result = signal("");
/** The chart: none, AUTOMATIC, or a plan as JSON. */
export const chart = signal("");
export const AUTOMATIC = "auto";
/** The values of the keys that are chosen on the map, outermost first. */
export const chosen = signal<readonly (string | null)[]>([]);

const VIEWS: readonly string[] = ["map", "schema", "sql", "places", "runs"] satisfies View[];
const MEASURES: readonly string[] = ["bytes", "files", "newest", "rows", "nulls"] satisfies Measure[];

function readAddress(): void {
  const at = new URLSearchParams(location.hash.slice(1));
  const one = (name: string, known: readonly string[]): string => {
    const value = at.get(name) ?? "";
    return known.includes(value) ? value : (known[0] ?? "");
  };
  batch(() => {
    entity.value = at.get("table") ?? "";
    view.value = one("view", VIEWS) as View;
    measure.value = one("measure", MEASURES) as Measure;
    nullColumn.value = at.get("column") ?? "";
    sqlText.value = at.get("sql") ?? "";
    result.value = at.get("result") ?? "";
    chart.value = at.get("chart") ?? "";
    chosen.value = valuesOf(at.get("at"));
  });
}

/** The address may have been edited by hand. */
function valuesOf(text: string | null): readonly (string | null)[] {
  try {
    const values: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(values) ? values.map((value) => (value === null ? null : String(value))) : [];
  } catch {
    return [];
  }
}

readAddress();

/** The migrations and verifications of this machine, newest first. */
export const runs = signal<readonly RunStatus[]>([]);
/** The comparison with a second place, if there is one. */
export const comparison = signal<ComparisonOverview | undefined>(undefined);
export const overview = signal<Overview | undefined>(undefined);
export const table = signal<TableData | undefined>(undefined);
export const counts = signal<PartitionCounts | undefined>(undefined);
export const isCounting = signal(false);
export const descriptions = signal<ReadonlyMap<string, Description>>(new Map());
export const explanation = signal<Explanation | undefined>(undefined);
export const problem = signal("");

/** Whether all tables are known. */
export const isListed = computed(() => overview.value?.listing.isDone === true);
export const card = computed(() => overview.value?.tables.find((one) => one.entity === entity.value));

effect(() => {
  const state = new URLSearchParams();
  const put = (name: string, value: string, initial = ""): void => {
    if (value !== initial) state.set(name, value);
  };
  put("table", entity.value);
  put("view", view.value, "map");
  put("measure", measure.value, "bytes");
  put("column", nullColumn.value);
  put("sql", sqlText.value);
  put("result", result.value);
  put("chart", chart.value);
  if (chosen.value.length > 0) put("at", JSON.stringify(chosen.value));
  // Without the token, which is in a cookie by now.
  history.replaceState(null, "", `${location.pathname}#${state}`);
});
addEventListener("hashchange", () => {
  readAddress();
  void attempt(loadTable);
});

/** Shows the message of an error until the next action. */
export async function attempt(run: () => Promise<void>): Promise<void> {
  try {
    problem.value = "";
    await run();
  } catch (error) {
    problem.value = error instanceof Error ? error.message : String(error);
  }
}

/** Lists again, and compares again. */
export const refresh = (): Promise<void> =>
  attempt(async () => {
    await post("/api/refresh", {});
    await follow();
  });

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Follows the listing until it is complete. */
export async function follow(): Promise<void> {
  await attempt(async () => {
    let isComplete = false;
    for (let isFirst = true; ; isFirst = false) {
      const now: Overview = await ask("/api/tables");
      overview.value = now;
      if (isFirst && now.isCompared) {
        // Shown first, unless the address names another view.
        if (!location.hash.includes("view=")) view.value = "places";
        void attempt(followComparison);
      }
      if (entity.value === "" && now.tables[0] !== undefined) entity.value = now.tables[0].entity;
      const began = performance.now();
      if (!isComplete && now.tables.some((one) => one.entity === entity.value)) await loadTable();
      isComplete = now.listing.isDone;
      if (now.listing.isInspected) return;
      // A table of a million partitions takes seconds to load: most of the time is left for the person.
      await wait(Math.max(500, 4 * (performance.now() - began)));
    }
  });
}

/** Follows the comparison with a second place until it is complete. */
async function followComparison(): Promise<void> {
  for (;;) {
    const now: ComparisonOverview = await ask("/api/comparison");
    comparison.value = now;
    if (entity.value === "" && now.tables[0] !== undefined) entity.value = now.tables[0].entity;
    if (now.isDone) return;
    await wait(500);
  }
}

/** Loads the partitions of the chosen table. */
export async function loadTable(): Promise<void> {
  const name = entity.value;
  if (overview.value?.tables.every((one) => one.entity !== name)) {
    // It exists at the second place only.
    table.value = undefined;
    return;
  }
  const data: TableData = await askPartitions(query("/api/table", { name }));
  if (entity.value === name) table.value = data;
}

export function chooseTable(name: string): void {
  if (view.value === "runs") view.value = "map";
  if (name === entity.value) return;
  entity.value = name;
  chosen.value = [];
  counts.value = undefined;
  explanation.value = undefined;
  nullColumn.value = "";
  if (measure.value === "rows" || measure.value === "nulls") measure.value = "bytes";
  void attempt(loadTable);
}

/** Describes a table once. */
export async function describe(name: string): Promise<Description> {
  const known = descriptions.value.get(name);
  if (known !== undefined) return known;
  const description: Description = await ask(query("/api/describe", { name }));
  descriptions.value = new Map([...descriptions.value, [name, description]]);
  return description;
}

/** Counts the rows of each partition, and the NULLs of a column. */
export async function count(column: string): Promise<void> {
  const name = entity.value;
  isCounting.value = true;
  try {
    await attempt(async () => {
      const got: PartitionCounts = await ask(
        query("/api/count", { name, ...(column === "" ? {} : { column }) }),
      );
      if (entity.value === name) counts.value = got;
    });
  } finally {
    isCounting.value = false;
  }
}
