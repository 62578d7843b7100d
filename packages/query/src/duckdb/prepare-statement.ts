import type { DuckDBConnection } from "@duckdb/node-api";
import { StorageError } from "@parquetry/core";
import { bindParameters } from "../statement/bind-parameters.ts";
import { enoughRows } from "../statement/enough-rows.ts";
import { checkLocked } from "../statement/gate.ts";
import { parseTables } from "../statement/parse-tables.ts";
import { rowConditions } from "../statement/row-conditions.ts";
import { everyNode, isNode, nodesOf, type SqlNode, textOf } from "../statement/sql-tree.ts";
import type { PreparedQuery, QueryParameters } from "./duckdb.ts";
import { serializedError } from "./duckdb-error.ts";

/**
 * Puts the parameters in, parses, and lets through only what is allowed.
 *
 * @throws StorageError `invalid_argument` for what cannot be parsed, `permission_denied` for what is refused.
 */
export async function prepareQuery(
  connection: DuckDBConnection,
  sql: string,
  parameters: QueryParameters | undefined,
  trusted: boolean,
): Promise<PreparedQuery> {
  if (typeof sql !== "string" || sql.trim() === "") throw invalid("the SQL is empty");
  if (sql.includes("\0")) throw invalid("the SQL holds a NUL character");
  const text = bindParameters(sql, parameters);
  const result = await connection.run("SELECT json_serialize_sql($1::VARCHAR)", [text]);
  const json = (await result.getRows())[0]?.[0];
  const answer: unknown = typeof json === "string" ? JSON.parse(json) : undefined;
  if (!isNode(answer)) throw invalid("the SQL cannot be parsed");
  if (answer["error"] === true) {
    const { type, error } = serializedError(answer, text);
    if (type === "parser") throw error;
    // What is no SELECT cannot be serialised.
    if (!trusted) checkLocked([]);
    return { text, tableNames: [...connection.getTableNames(text, false)], isSelect: false };
  }
  const statements = nodesOf(answer, "statements");
  if (statements.length === 0) throw invalid("the SQL is empty");
  if (!trusted) checkLocked(statements);
  const tables = statements.flatMap(parseTables);
  const qualified = tables.find(({ qualifier }) => qualifier !== undefined);
  if (qualified !== undefined && !trusted) {
    const { qualifier, name } = qualified;
    throw invalid(
      `there is no table ${qualifier}.${name}: an entity is one name, in double quotes: "${qualifier}/${name}"`,
    );
  }
  const names = tables.filter(({ qualifier }) => qualifier === undefined).map(({ name }) => name);
  const [statement] = statements.length === 1 ? statements : [];
  return {
    text,
    tableNames: [...new Set(names)],
    isSelect: statement !== undefined,
    enoughRows: statement && enoughRows(statement),
    conditions: statement && (await rowConditions(connection, statement)),
    ...columnsOf(statements, names),
  };
}

/**
 * Which columns the query can need: those whose name stands anywhere in it, or all where it says so without names.
 * Wrong only on the side of too many.
 */
function columnsOf(
  statements: readonly SqlNode[],
  tables: readonly string[],
): Pick<PreparedQuery, "columnNames" | "words"> {
  const words = new Set<string>();
  const rowNames = new Set(tables.map((name) => name.toLowerCase()));
  const harmless = harmlessStars(statements);
  for (const node of everyNode(statements)) {
    if (harmless.has(node)) continue;
    const type = textOf(node, "type");
    if (type === "STAR" || type === "POSITIONAL_REFERENCE" || type === "PIVOT" || type === "SHOW_REF")
      return {};
    if (textOf(node, "ref_type") === "NATURAL") return {};
    for (const value of Object.values(node)) {
      if (typeof value === "string") words.add(value.toLowerCase());
      else if (Array.isArray(value)) {
        for (const item of value) if (typeof item === "string") words.add(item.toLowerCase());
      }
    }
    const alias = textOf(node, "alias");
    // A table can be taken as one value: SELECT p FROM plays p.
    if (alias !== undefined && alias !== "" && !("class" in node)) rowNames.add(alias.toLowerCase());
  }
  const columnNames = new Set<string>();
  for (const node of everyNode(statements)) {
    for (const name of namesIn(node["using_columns"])) columnNames.add(name);
    if (node["class"] !== "COLUMN_REF") continue;
    const path = namesIn(node["column_names"]);
    const last = path.at(-1);
    if (last !== undefined && rowNames.has(last)) return {};
    for (const name of path) if (!rowNames.has(name)) columnNames.add(name);
  }
  return { columnNames, words };
}

/** `ORDER BY ALL` names no column, and `SELECT * FROM (SELECT year …)` asks for no more than the inner query does. */
function harmlessStars(statements: readonly SqlNode[]): ReadonlySet<SqlNode> {
  const stars = new Set<SqlNode>();
  const add = (node: unknown): void => {
    if (isNode(node) && node["class"] === "STAR" && node["expr"] === null) stars.add(node);
  };
  for (const node of everyNode(statements)) {
    if (node["type"] === "ORDER_MODIFIER") {
      for (const { expression } of nodesOf(node, "orders")) add(expression);
    }
    const from = node["from_table"];
    if (node["type"] === "SELECT_NODE" && isNode(from) && from["type"] === "SUBQUERY") {
      for (const item of nodesOf(node, "select_list")) add(item);
    }
  }
  return stars;
}

function namesIn(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((name) => typeof name === "string").map((name) => name.toLowerCase());
}

function invalid(problem: string): StorageError {
  return new StorageError({ code: "invalid_argument", op: "sql", message: `sql: ${problem}.` });
}
