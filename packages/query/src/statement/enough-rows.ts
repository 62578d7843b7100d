import { everyNode, isNode, nodesOf, type SqlNode, textOf } from "./sql-tree.ts";

/** Expressions that make one value of one row. A call is one only where it is an operator: it may be an aggregate. */
const OF_ONE_ROW: ReadonlySet<string> = new Set([
  "BETWEEN",
  "CASE",
  "CAST",
  "COLLATE",
  "COLUMN_REF",
  "COMPARISON",
  "CONJUNCTION",
  "CONSTANT",
  "OPERATOR",
  "STAR",
]);

/**
 * How many rows are enough for a query that any rows of its table answer equally well: one that neither orders nor combines
 * them. Its LIMIT, or Infinity; undefined for every other query, and for those that are not plainly of this kind.
 */
export function enoughRows(statement: SqlNode): number | undefined {
  const select = statement["node"];
  if (!isNode(select) || select["type"] !== "SELECT_NODE") return undefined;
  const table = select["from_table"];
  const cannotCombine =
    isNode(table) &&
    table["type"] === "BASE_TABLE" &&
    table["sample"] === null &&
    select["sample"] === null &&
    isNode(select["cte_map"]) &&
    nodesOf(select["cte_map"], "map").length === 0 &&
    select["qualify"] === null &&
    select["having"] === null &&
    select["aggregate_handling"] === "STANDARD_HANDLING" &&
    nodesOf(select, "group_expressions").length === 0 &&
    nodesOf(select, "select_list").every(isOfOneRow);
  if (!cannotCombine) return undefined;
  for (const { class: kind } of everyNode(statement)) if (kind === "SUBQUERY") return undefined;
  const [modifier, ...others] = nodesOf(select, "modifiers");
  if (modifier === undefined) return Number.POSITIVE_INFINITY;
  return others.length === 0 && modifier["type"] === "LIMIT_MODIFIER"
    ? constant(modifier["limit"])
    : undefined;
}

function isOfOneRow(expression: SqlNode): boolean {
  for (const node of everyNode(expression)) {
    const kind = textOf(node, "class");
    if (kind === undefined || OF_ONE_ROW.has(kind)) continue;
    if (kind !== "FUNCTION" || node["is_operator"] !== true) return false;
  }
  return true;
}

function constant(limit: unknown): number | undefined {
  const value = isNode(limit) && limit["class"] === "CONSTANT" ? limit["value"] : undefined;
  const rows = isNode(value) ? value["value"] : undefined;
  return typeof rows === "number" && Number.isSafeInteger(rows) ? rows : undefined;
}
