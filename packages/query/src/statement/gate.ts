import { StorageError } from "@parquetry/core";
import { ALLOWED_TABLE_FUNCTIONS, REFUSED_FUNCTIONS } from "./allowed-functions.ts";
import { isNode, type SqlNode, textOf } from "./sql-tree.ts";

/** The kinds of sources that FROM may contain. A kind that a later DuckDB adds is refused until it has been reviewed. */
const ALLOWED_SOURCES: ReadonlySet<string> = new Set([
  "BASE_TABLE",
  "SUBQUERY",
  "JOIN",
  "TABLE_FUNCTION",
  "EXPRESSION_LIST",
  "EMPTY",
  "PIVOT",
  "CTE",
  "COLUMN_DATA",
]);
const QUERY_NODES: ReadonlySet<string> = new Set([
  "SELECT_NODE",
  "SET_OPERATION_NODE",
  "RECURSIVE_CTE_NODE",
  "CTE_NODE",
]);
const SOURCE_FIELDS = ["from_table", "left", "right", "source"] as const;

/** Names what locked SQL may not contain in a node: anything but SELECT over tables and harmless functions. */
export function refusalOf(node: SqlNode): string | undefined {
  const query = isNode(node["node"]) ? textOf(node["node"], "type") : undefined;
  if (query !== undefined && !QUERY_NODES.has(query)) return `a ${query}`;
  for (const field of SOURCE_FIELDS) {
    const refusal = refusedSource(node[field]);
    if (refusal !== undefined) return refusal;
  }
  if (node["class"] === "FUNCTION") return refusedFunction(node);
  if (node["class"] === "PARAMETER") return "a parameter that has no value";
  if (node["type"] === "BASE_TABLE" && isNode(node["at_clause"]))
    return "AT, which reads another version of a table";
  return textOf(node, "type")?.endsWith("_REF") === true ? refusedSource(node) : undefined;
}

/** Whatever stands where a table can is a source; expressions in fields of the same name have a `class`. */
function refusedSource(source: unknown): string | undefined {
  if (!isNode(source) || "class" in source) return undefined;
  const type = textOf(source, "type") ?? "nothing";
  if (QUERY_NODES.has(type)) return undefined;
  if (type === "SHOW_REF")
    return "DESCRIBE, SUMMARIZE and SHOW (use --describe and --tables, or describe() and tables() in code)";
  if (!ALLOWED_SOURCES.has(type)) return type;
  if (type !== "TABLE_FUNCTION") return undefined;
  const call = source["function"];
  const name = isNode(call) ? (textOf(call, "function_name") ?? "").toLowerCase() : "";
  return isNode(call) && call["class"] === "FUNCTION" && ALLOWED_TABLE_FUNCTIONS.has(name)
    ? undefined
    : `the table function ${name}; allowed are ${[...ALLOWED_TABLE_FUNCTIONS].join(", ")}`;
}

function refusedFunction(call: SqlNode): string | undefined {
  const name = (textOf(call, "function_name") ?? "").toLowerCase();
  if (REFUSED_FUNCTIONS.has(name) || name.startsWith("pg_") || name.startsWith("duckdb_"))
    return `the function ${name}`;
  const schema = (textOf(call, "schema") ?? "").toLowerCase();
  return schema === "" || schema === "main" ? undefined : `the function ${schema}.${name}`;
}

/** The error of locked SQL that contains something it may not. */
export function refused(what: string): StorageError {
  return new StorageError({
    code: "permission_denied",
    op: "sql",
    message: `sql: refused ${what}. Locked SQL is one SELECT over the tables of the storage. In code, openQuery(storage, { trusted: true }) lifts this for your own scripts.`,
  });
}
