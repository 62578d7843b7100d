import type { DuckDBConnection } from "@duckdb/node-api";
import { invalid } from "@parquetry/core/unstable";
import { bindParameters } from "../statement/bind-parameters.ts";
import { refused } from "../statement/gate.ts";
import type { QueryParameters } from "../statement/query-parameters.ts";
import { readStatements } from "../statement/read-statement.ts";
import { isNode, nodesOf } from "../statement/sql-tree.ts";
import type { ParsedConditions, RowConditions, Statement } from "../statement/statement.ts";
import { problemError, serializedProblem } from "./duckdb-error.ts";

/**
 * Puts the parameters in, parses, and refuses what is not allowed.
 *
 * @throws StorageError `invalid_argument` for SQL that cannot be parsed, `permission_denied` for SQL that is refused.
 */
export async function prepareStatement(
  connection: DuckDBConnection,
  sql: string,
  parameters: QueryParameters | undefined,
  trusted: boolean,
): Promise<Statement> {
  if (sql.trim() === "") throw invalid("sql", "the SQL is empty");
  if (sql.includes("\0")) throw invalid("sql", "the SQL contains a NUL character");
  const text = bindParameters(sql, parameters);
  const result = await connection.run("SELECT json_serialize_sql($1::VARCHAR)", [text]);
  const json = (await result.getRows())[0]?.[0];
  const answer: unknown = typeof json === "string" ? JSON.parse(json) : undefined;
  if (!isNode(answer)) throw invalid("sql", "the SQL cannot be parsed");
  const problem = serializedProblem(answer, text);
  if (problem !== undefined) {
    if (problem.type === "Parser") throw problemError(problem);
    // DuckDB has no tree for statements other than SELECT.
    if (!trusted)
      throw refused("a statement other than SELECT (for EXPLAIN use --explain, or explain() in code)");
    return { text, tableNames: [...connection.getTableNames(text, false)], isSelect: false };
  }
  const statements = nodesOf(answer, "statements");
  if (statements.length === 0) throw invalid("sql", "the SQL is empty");
  const { tables, refusal, conditions, ...facts } = readStatements(statements);
  if (refusal !== undefined && !trusted) throw refused(refusal);
  const qualified = tables.find(({ qualifier }) => qualifier !== undefined);
  if (qualified !== undefined && !trusted) {
    const { qualifier, name } = qualified;
    throw invalid(
      "sql",
      `there is no table ${qualifier}.${name}: a table is one name, in double quotes: "${qualifier}/${name}"`,
    );
  }
  const names = tables.filter(({ qualifier }) => qualifier === undefined).map(({ name }) => name);
  return {
    ...facts,
    text,
    tableNames: [...new Set(names)],
    isSelect: statements.length === 1,
    conditions: conditions && (await renderConditions(connection, conditions)),
  };
}

/** Turns the trees of conditions back into SQL, their columns without the table's name; undefined where DuckDB refuses one. */
async function renderConditions(
  connection: DuckDBConnection,
  { conditions, otherColumns }: ParsedConditions,
): Promise<RowConditions | undefined> {
  const statements = conditions.map(({ node: condition }) => {
    const node = {
      type: "SELECT_NODE",
      modifiers: [],
      cte_map: { map: [] },
      select_list: [condition],
      from_table: { type: "EMPTY", alias: "", sample: null },
      where_clause: null,
      group_expressions: [],
      group_sets: [],
      aggregate_handling: "STANDARD_HANDLING",
      having: null,
      sample: null,
      qualify: null,
    };
    return JSON.stringify({ error: false, statements: [{ node, named_param_map: [] }] }, (field, value) => {
      // A missing place in the SQL is 2^64 - 1, which JSON.parse has changed.
      if (field === "query_location") return undefined;
      return field === "column_names" && Array.isArray(value) ? value.slice(-1) : value;
    });
  });
  const calls = statements.map((_, i) => `json_deserialize_sql($${i + 1}::JSON)`);
  const result = await connection.run(`SELECT ${calls.join(", ")}`, statements).catch(() => undefined);
  const [row] = (await result?.getRows()) ?? [];
  if (row === undefined) return undefined;
  return {
    conditions: conditions.map(({ node: _, ...condition }, i) => ({
      ...condition,
      sql: `(${String(row[i]).replace(/^SELECT /, "")})`,
    })),
    otherColumns,
  };
}
