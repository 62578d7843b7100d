import { StorageError } from "@parquetry/core";
import { ALLOWED_TABLE_FUNCTIONS, REFUSED_FUNCTIONS } from "./allowed-functions.ts";
import { everyNode, isNode, type SqlNode, textOf } from "./sql-tree.ts";

/** What may stand in FROM. A kind that a later DuckDB adds is refused until somebody has looked at it. */
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

/**
 * Refuses everything but one SELECT over tables and harmless functions, by its parse tree.
 *
 * @throws StorageError `permission_denied`.
 */
export function checkLocked(statements: readonly SqlNode[]): void {
  const [statement] = statements;
  if (statement === undefined || statements.length !== 1) {
    // DuckDB gives no tree at all for what is no SELECT.
    throw refused(
      statements.length === 0
        ? "what is no SELECT (for EXPLAIN use --explain, or explain() in code)"
        : `${statements.length} statements; one SELECT is allowed`,
    );
  }
  for (const node of everyNode(statement)) {
    checkQueryNode(node["node"]);
    for (const field of ["from_table", "left", "right", "source"]) checkSource(node[field]);
    if (!("class" in node) && textOf(node, "type")?.endsWith("_REF") === true) checkSource(node);
    if (node["class"] === "FUNCTION") checkFunction(node);
    if (node["type"] === "BASE_TABLE") checkBaseTable(node);
    if (node["class"] === "PARAMETER") throw refused("a parameter that has no value");
  }
}

function checkQueryNode(node: unknown): void {
  if (!isNode(node)) return;
  const type = textOf(node, "type");
  if (type !== undefined && !QUERY_NODES.has(type)) throw refused(`a ${type}`);
}

/** A source is whatever stands where a table can; expressions below the same field names have a `class`. */
function checkSource(source: unknown): void {
  if (!isNode(source) || "class" in source) return;
  const type = textOf(source, "type") ?? "nothing";
  if (QUERY_NODES.has(type)) return;
  if (!ALLOWED_SOURCES.has(type)) {
    throw refused(
      type === "SHOW_REF"
        ? "DESCRIBE, SUMMARIZE and SHOW (use --describe and --tables, or describe() and tables() in code)"
        : type,
    );
  }
  if (type !== "TABLE_FUNCTION") return;
  const call = source["function"];
  const name = isNode(call) ? (textOf(call, "function_name") ?? "").toLowerCase() : "";
  if (!isNode(call) || call["class"] !== "FUNCTION" || !ALLOWED_TABLE_FUNCTIONS.has(name)) {
    throw refused(`the table function ${name}; allowed are ${[...ALLOWED_TABLE_FUNCTIONS].join(", ")}`);
  }
}

function checkFunction(call: SqlNode): void {
  const name = (textOf(call, "function_name") ?? "").toLowerCase();
  if (REFUSED_FUNCTIONS.has(name) || name.startsWith("pg_") || name.startsWith("duckdb_")) {
    throw refused(`the function ${name}`);
  }
  const schema = (textOf(call, "schema") ?? "").toLowerCase();
  if (schema !== "" && schema !== "main") throw refused(`the function ${schema}.${name}`);
}

function checkBaseTable(table: SqlNode): void {
  if (isNode(table["at_clause"])) throw refused("AT (time travel)");
}

function refused(what: string): StorageError {
  return new StorageError({
    code: "permission_denied",
    op: "sql",
    message: `sql: refused ${what}. Locked SQL is one SELECT over the entities; in code, openQuery(storage, { trusted: true }) opens it for your own scripts.`,
  });
}
