import type { DuckDBConnection } from "@duckdb/node-api";
import type { RowCondition, RowConditions } from "../duckdb/duckdb.ts";
import { intervalsOf } from "./intervals-of.ts";
import { everyNode, isNode, nodesOf, type SqlNode, textOf } from "./sql-tree.ts";

/** Functions of which a condition may be made: they give the same for the same values and touch nothing. */
const PURE_FUNCTIONS: ReadonlySet<string> = new Set(
  "+ - * / // % || ~~ !~~ ~~* !~~* abs concat contains ends_with left length lower mod prefix regexp_matches replace right starts_with substr substring suffix trim upper".split(
    " ",
  ),
);
const PURE_CLASSES: ReadonlySet<unknown> = new Set(["BETWEEN", "COMPARISON", "CONJUNCTION", "OPERATOR"]);

interface Source {
  /** The table's name as written. */
  readonly table: string;
  /** By which its columns are qualified, in lower case. */
  readonly alias: string;
}

/**
 * The conditions that every row which matters fulfils: the parts of WHERE that look at one table only, in a query that is
 * one SELECT over tables or their inner joins. Whatever is not obviously so is left to the optimiser
 * (docs/decisions/0014).
 */
export async function rowConditions(
  connection: DuckDBConnection,
  statement: SqlNode,
): Promise<RowConditions | undefined> {
  const select = statement["node"];
  if (!isNode(select) || select["type"] !== "SELECT_NODE" || !isNode(select["where_clause"]))
    return undefined;
  if (select["sample"] !== null) return undefined;
  const sources = sourcesOf(select["from_table"]);
  if (sources === undefined || !isAllThereIs(statement, sources)) return undefined;

  const [only] = sources.length === 1 ? sources : [];
  const found: { readonly condition: Omit<RowCondition, "sql">; readonly node: SqlNode }[] = [];
  const others = new Set<string>();
  for (const node of conjuncts(select["where_clause"])) {
    const names = columnNames(node);
    const source = only ?? sources.find(({ alias }) => names.every(([qualifier]) => qualifier === alias));
    const qualified = names.every((path) => path.length === 2 && path[0] === source?.alias);
    const plain = only !== undefined && names.every((path) => path.length === 1 || path[0] === only.alias);
    if (source !== undefined && names.length > 0 && (qualified || plain) && isPure(node)) {
      const columns = [...new Set(names.map((path) => path.at(-1) ?? ""))];
      found.push({ condition: { table: source.table, columns, intervals: intervalsOf(node) }, node });
    } else {
      for (const name of names.flat()) others.add(name);
      if (hasStar(node)) return undefined;
    }
  }
  if (found.length === 0) return undefined;
  const texts = await deserialize(
    connection,
    found.map(({ node }) => node),
  );
  if (texts === undefined) return undefined;
  return {
    conditions: found.map(({ condition }, i) => ({ ...condition, sql: texts[i] ?? "true" })),
    otherColumns:
      only !== undefined && select["having"] === null && select["qualify"] === null ? others : undefined,
  };
}

/** The tables of a FROM that is one table or inner joins of tables. */
function sourcesOf(from: unknown): readonly Source[] | undefined {
  if (!isNode(from) || from["sample"] !== null) return undefined;
  if (from["type"] === "BASE_TABLE") {
    if (nodesOf(from, "column_name_alias").length > 0 || namesIn(from["column_name_alias"]).length > 0)
      return undefined;
    const table = textOf(from, "table_name") ?? "";
    return [{ table, alias: (textOf(from, "alias") || table).toLowerCase() }];
  }
  const isInner =
    from["type"] === "JOIN" &&
    from["join_type"] === "INNER" &&
    (from["ref_type"] === "REGULAR" || from["ref_type"] === "CROSS");
  const left = isInner ? sourcesOf(from["left"]) : undefined;
  const right = isInner ? sourcesOf(from["right"]) : undefined;
  return left && right && [...left, ...right];
}

/** True where the statement names each table once and has no other SELECT, so that no other part needs other rows. */
function isAllThereIs(statement: SqlNode, sources: readonly Source[]): boolean {
  let tables = 0;
  let selects = 0;
  for (const node of everyNode(statement)) {
    const type = textOf(node, "type");
    if (type === "BASE_TABLE") tables++;
    if (type?.endsWith("_NODE") === true) selects++;
  }
  const names = new Set(sources.map(({ table }) => table.toLowerCase()));
  const aliases = new Set(sources.map(({ alias }) => alias));
  return (
    selects === 1 &&
    tables === sources.length &&
    names.size === sources.length &&
    aliases.size === sources.length
  );
}

function conjuncts(where: SqlNode): readonly SqlNode[] {
  return where["type"] === "CONJUNCTION_AND" ? nodesOf(where, "children").flatMap(conjuncts) : [where];
}

function columnNames(condition: SqlNode): readonly (readonly string[])[] {
  return [...everyNode(condition)]
    .filter((node) => node["class"] === "COLUMN_REF")
    .map((node) => namesIn(node["column_names"]));
}

const hasStar = (condition: SqlNode): boolean =>
  [...everyNode(condition)].some((node) => node["class"] === "STAR");

function isPure(condition: SqlNode): boolean {
  return [...everyNode(condition)].every((node) => {
    const kind = node["class"];
    if (kind === undefined || PURE_CLASSES.has(kind) || kind === "COLUMN_REF") return true;
    if (kind === "CONSTANT") return isExact(node["value"]);
    if (kind === "CAST") return isNode(node["cast_type"]) && node["cast_type"]["type_info"] === null;
    if (kind !== "FUNCTION" || node["schema"] !== "" || node["filter"] !== null) return false;
    return PURE_FUNCTIONS.has(textOf(node, "function_name") ?? "");
  });
}

/** JSON.parse has changed a number beyond 2^53, and a DOUBLE without a fraction is written without its point. */
function isExact(constant: unknown): boolean {
  if (!isNode(constant)) return false;
  const value = constant["value"];
  const type = isNode(constant["type"]) ? constant["type"]["id"] : undefined;
  if (typeof value === "number" && Number.isInteger(value)) {
    return Number.isSafeInteger(value) && type !== "DOUBLE" && type !== "FLOAT";
  }
  return constant["is_null"] === true || typeof value !== "object";
}

/** Conditions as SQL, their columns without the table's name; undefined where DuckDB does not take one of them back. */
async function deserialize(
  connection: DuckDBConnection,
  conditions: readonly SqlNode[],
): Promise<readonly string[] | undefined> {
  const statements = conditions.map((condition) => {
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
      // The place in the text that is missing is 2^64 - 1, which JSON.parse has changed.
      if (field === "query_location") return undefined;
      return field === "column_names" && Array.isArray(value) ? value.slice(-1) : value;
    });
  });
  const result = await connection
    .run(`SELECT ${statements.map((_, i) => `json_deserialize_sql($${i + 1}::JSON)`).join(", ")}`, statements)
    .catch(() => undefined);
  const [row] = (await result?.getRows()) ?? [];
  return row?.map((text) => `(${String(text).replace(/^SELECT /, "")})`);
}

function namesIn(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((name) => typeof name === "string").map((name) => name.toLowerCase());
}
