import { createHash } from "node:crypto";
import { foldName } from "../../statement/fold-name.ts";
import { everyNode, isNode, nodesOf, type SqlNode, textOf } from "../../statement/sql-tree.ts";
import type { CandidateTable } from "../views/scan-table.ts";
import { hiveColumn } from "../views/scratch.ts";

/** The column that marks the scans of a table in a plan. */
export function markerColumn(entity: string): string {
  return `parquetry_table_${createHash("sha256").update(entity).digest("hex").slice(0, 16)}`;
}

/** The facts that an optimised plan contains about the zero-row files that it scans. */
export interface PlanFacts {
  /** By marker column, the paths that any scan of the table kept. Absent where the plan has no scan of it. */
  readonly scans: ReadonlyMap<string, ReadonlySet<string>>;
  /** By marker column, the filters of each scan of the table, by the column that they look at. */
  readonly scanFilters: ReadonlyMap<string, readonly ReadonlyMap<string, SqlNode>[]>;
  /** The lower-case names of all columns that any filter looks at, including DuckDB's names of partition keys. */
  readonly filterNames: ReadonlySet<string>;
  /** True where DuckDB found that a part of the plan returns no rows, and removed its scans. */
  readonly hasEmptyPart: boolean;
}

/** Reads the result of `json_serialize_plan`. */
export function readPlan(plan: unknown): PlanFacts {
  const scans = new Map<string, Set<string>>();
  const scanFilters = new Map<string, ReadonlyMap<string, SqlNode>[]>();
  const filterNames = new Set<string>();
  let hasEmptyPart = false;
  for (const node of everyNode(plan)) {
    const type = textOf(node, "type");
    if (type === "LOGICAL_EMPTY_RESULT") hasEmptyPart = true;
    if (type === "LOGICAL_GET") {
      const marker = markerOf(node);
      const files = scans.get(marker) ?? new Set();
      for (const file of scannedFiles(node)) files.add(file);
      scans.set(marker, files);
      const filters = pushedFilters(node);
      scanFilters.set(marker, [...(scanFilters.get(marker) ?? []), filters]);
      for (const name of filters.keys()) filterNames.add(name);
    }
    if (type === "LOGICAL_FILTER")
      for (const name of referencedNames(node["expressions"])) filterNames.add(name);
  }
  return { scans, scanFilters, filterNames, hasEmptyPart };
}

/** The keys of a table that the plan filters by. */
export function filterKeysOf(table: CandidateTable, { filterNames }: PlanFacts): ReadonlySet<string> {
  const used = table.keys.filter(
    ({ name }, i) => filterNames.has(foldName(name)) || filterNames.has(hiveColumn(i)),
  );
  return new Set(used.map(({ name }) => name));
}

function markerOf(get: SqlNode): string {
  const names = get["names"];
  const marker: unknown = Array.isArray(names)
    ? names.find((name) => typeof name === "string" && name.startsWith("parquetry_table_"))
    : undefined;
  return typeof marker === "string" ? marker : "";
}

function scannedFiles(get: SqlNode): readonly string[] {
  const data = get["function_data"];
  const files = isNode(data) ? data["files"] : undefined;
  return Array.isArray(files) ? files.filter((file) => typeof file === "string") : [];
}

function pushedFilters(get: SqlNode): ReadonlyMap<string, SqlNode> {
  const filters = get["table_filters"];
  const names = get["names"];
  if (!isNode(filters) || !Array.isArray(names)) return new Map();
  return new Map(
    nodesOf(filters, "filters").flatMap(({ key, value }): [string, SqlNode][] => {
      const name: unknown = typeof key === "number" ? names[key] : undefined;
      return typeof name === "string" && isNode(value) ? [[foldName(name), value]] : [];
    }),
  );
}

function* referencedNames(expressions: unknown): Generator<string> {
  for (const node of everyNode(expressions)) {
    const name =
      node["expression_class"] === "BOUND_REF" || node["expression_class"] === "BOUND_COLUMN_REF"
        ? textOf(node, "alias")
        : undefined;
    if (name !== undefined) yield foldName(name);
  }
}
