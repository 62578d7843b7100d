import { foldName } from "./fold-name.ts";
import { refusalOf } from "./gate.ts";
import { type ExpressionFacts, readNode, rowConditions } from "./row-conditions.ts";
import { isNode, namesIn, nodesOf, type SqlNode, textOf } from "./sql-tree.ts";
import type { ParsedConditions, Statement } from "./statement.ts";

/** A table that a statement names and that is not one of its CTEs. */
export interface TableReference {
  /** Its name as written. */
  readonly name: string;
  /** The schema or catalogue before it, if one is written. */
  readonly qualifier: string | undefined;
}

/** Everything that is read out of the parse tree. */
export interface StatementFacts extends Pick<Statement, "columnNames" | "words" | "stopAfterRows"> {
  readonly tables: readonly TableReference[];
  /** The part that locked SQL may not contain. Absent: it is allowed. */
  readonly refusal: string | undefined;
  readonly conditions: ParsedConditions | undefined;
}

/** A step of the visit that is still to be done. */
type Open =
  | {
      readonly value: unknown;
      /** The expression of the outermost SELECT that it belongs to. */
      readonly expression: ExpressionFacts | undefined;
    }
  /** From here on, or no longer, a name means a CTE. */
  | { readonly cte: string; readonly isDefined: boolean };

/**
 * Reads everything that is asked of a statement out of DuckDB's parse tree, in one pass over it.
 *
 * @param statements the `statements` of `json_serialize_sql`.
 */
export function readStatements(statements: readonly SqlNode[]): StatementFacts {
  const reader = new StatementReader();
  const [statement] = statements.length === 1 ? statements : [];
  const select = statement?.["node"];
  const top = isNode(select) && select["type"] === "SELECT_NODE" ? select : undefined;
  const columns = top === undefined ? [] : nodesOf(top, "select_list").map((node) => reader.follow(node));
  const where = top?.["where_clause"];
  const conjuncts = isNode(where) ? conjunctsOf(where).map((node) => reader.follow(node)) : [];
  reader.visit(statements);
  return {
    tables: reader.tables,
    refusal:
      statements.length === 1 ? reader.refusal : `${statements.length} statements; one SELECT is allowed`,
    stopAfterRows: top && stopAfterRows(top, columns, reader),
    conditions: top && rowConditions(top, conjuncts, reader),
    ...reader.columns(),
  };
}

/** Fields that name a kind of node, and nothing of the SQL. */
const KINDS: ReadonlySet<string> = new Set(["class", "type"]);

class StatementReader {
  readonly tables: TableReference[] = [];
  refusal: string | undefined;
  /** How often a table is named, CTEs included. */
  tableCount = 0;
  /** SELECTs and set operations, nested ones included. */
  queryCount = 0;
  hasSubquery = false;
  /** False where columns are asked for without their names, as `*` does. */
  #namesColumns = true;
  /** How many CTEs of each name can be meant where the visit is. */
  readonly #ctes = new Map<string, number>();
  readonly #expressions = new Map<SqlNode, ExpressionFacts>();
  readonly #harmlessStars = new Set<SqlNode>();
  readonly #words = new Set<string>();
  readonly #columnPaths: (readonly string[])[] = [];
  /** A table can be used as one value: SELECT p FROM plays p. */
  readonly #rowNames = new Set<string>();

  /** Collects the facts of one expression while it is visited. */
  follow(node: SqlNode): ExpressionFacts {
    const facts: ExpressionFacts = { node, columns: [], hasStar: false, isPure: true, isOfOneRow: true };
    this.#expressions.set(node, facts);
    return facts;
  }

  /**
   * Visits every node, parents first, without recursion. CTEs are resolved by scope exactly as DuckDB does it: a name is a CTE
   * only inside the statement that defines it and after its definition, or inside itself where it is recursive. Otherwise
   * `WITH "x.parquet" AS …` could hide a file of that name elsewhere in the statement.
   */
  visit(root: unknown): void {
    const open: Open[] = [{ value: root, expression: undefined }];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if ("cte" in next) {
        this.#setCte(next.cte, next.isDefined);
        continue;
      }
      const { value } = next;
      if (!isNode(value)) {
        if (Array.isArray(value)) for (const inner of value) pushValue(open, inner, next.expression);
        continue;
      }
      const expression = this.#expressions.get(value) ?? next.expression;
      this.#see(value);
      if (expression !== undefined) readNode(expression, value);
      // A list can have hundreds of thousands of constants.
      if (value["class"] === "CONSTANT") continue;
      const defined = definedCtes(value["cte_map"]);
      // The last item pushed is handled first: the CTEs in their order, then the rest of the node, then the end of their scope.
      for (const entry of defined ?? []) open.push({ cte: cteName(entry), isDefined: false });
      for (const [field, inner] of Object.entries(value))
        if (field !== "cte_map" || defined === undefined) pushValue(open, inner, expression);
      for (const entry of defined?.toReversed() ?? []) {
        const definition: Open = { cte: cteName(entry), isDefined: true };
        if (isRecursive(entry)) open.push({ value: entry, expression }, definition);
        else open.push(definition, { value: entry, expression });
      }
    }
  }

  /** A string can name a column, as the field of a row. */
  #seeConstant({ alias, value }: SqlNode): void {
    const constant = isNode(value) ? value["value"] : undefined;
    for (const word of [alias, constant]) if (typeof word === "string") this.#words.add(foldName(word));
  }

  #setCte(name: string, isDefined: boolean): void {
    this.#ctes.set(name, (this.#ctes.get(name) ?? 0) + (isDefined ? 1 : -1));
  }

  /** The columns that the statement can need: too many rather than too few. */
  columns(): Pick<Statement, "columnNames" | "words"> {
    if (!this.#namesColumns) return {};
    for (const { name, qualifier } of this.tables)
      if (qualifier === undefined) this.#rowNames.add(foldName(name));
    const columnNames = new Set<string>();
    for (const path of this.#columnPaths) {
      const last = path.at(-1);
      if (last !== undefined && this.#rowNames.has(last)) return {};
      for (const name of path) if (!this.#rowNames.has(name)) columnNames.add(name);
    }
    return { columnNames, words: this.#words };
  }

  #see(node: SqlNode): void {
    this.refusal ??= refusalOf(node);
    const type = textOf(node, "type");
    if (type === "BASE_TABLE") this.#seeTable(node);
    if (type?.endsWith("_NODE") === true) this.queryCount++;
    if (node["class"] === "SUBQUERY") this.hasSubquery = true;
    this.#seeColumns(node, type);
  }

  #seeTable(node: SqlNode): void {
    this.tableCount++;
    const name = textOf(node, "table_name") ?? "";
    const qualifier = [textOf(node, "catalog_name"), textOf(node, "schema_name")].filter(Boolean).join(".");
    if (qualifier === "" && (this.#ctes.get(foldName(name)) ?? 0) > 0) return;
    this.tables.push({ name, qualifier: qualifier === "" ? undefined : qualifier });
  }

  #seeColumns(node: SqlNode, type: string | undefined): void {
    for (const star of harmlessStars(node, type)) this.#harmlessStars.add(star);
    if (this.#harmlessStars.has(node)) return;
    const isNameless =
      type === "STAR" ||
      type === "POSITIONAL_REFERENCE" ||
      type === "PIVOT" ||
      type === "SHOW_REF" ||
      node["ref_type"] === "NATURAL";
    if (isNameless) this.#namesColumns = false;
    if (node["class"] === "CONSTANT") {
      this.#seeConstant(node);
      return;
    }
    for (const [field, value] of Object.entries(node)) {
      if (typeof value === "string") {
        if (!KINDS.has(field)) this.#words.add(foldName(value));
      } else if (Array.isArray(value)) for (const word of namesIn(value)) this.#words.add(word);
    }
    const alias = textOf(node, "alias");
    if (alias !== undefined && alias !== "" && !("class" in node)) this.#rowNames.add(foldName(alias));
    for (const name of namesIn(node["using_columns"])) this.#columnPaths.push([name]);
    if (node["class"] === "COLUMN_REF") this.#columnPaths.push(namesIn(node["column_names"]));
  }
}

function pushValue(open: Open[], value: unknown, expression: ExpressionFacts | undefined): void {
  if (typeof value === "object" && value !== null) open.push({ value, expression });
}

function cteName(entry: SqlNode): string {
  return foldName(textOf(entry, "key") ?? "");
}

/** `ORDER BY ALL` names no column, and `SELECT * FROM (SELECT year …)` asks for no more than the inner query does. */
function harmlessStars(node: SqlNode, type: string | undefined): readonly SqlNode[] {
  const from = node["from_table"];
  const found =
    type === "ORDER_MODIFIER"
      ? nodesOf(node, "orders").map(({ expression }) => expression)
      : type === "SELECT_NODE" && isNode(from) && from["type"] === "SUBQUERY"
        ? nodesOf(node, "select_list")
        : [];
  return found.filter(isNode).filter((star) => star["class"] === "STAR" && star["expr"] === null);
}

/** The definitions of a WITH; undefined where there is none of the known form. */
function definedCtes(ctes: unknown): readonly SqlNode[] | undefined {
  if (!isNode(ctes) || Object.keys(ctes).length !== 1) return undefined;
  const { map } = ctes;
  return Array.isArray(map) && map.every(isNode) ? map : undefined;
}

function isRecursive(entry: SqlNode): boolean {
  const { value } = entry;
  const query = isNode(value) ? value["query"] : undefined;
  const node = isNode(query) ? query["node"] : undefined;
  return isNode(node) && node["type"] === "RECURSIVE_CTE_NODE";
}

function conjunctsOf(where: SqlNode): readonly SqlNode[] {
  const conjuncts: SqlNode[] = [];
  const open = [where];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node["type"] === "CONJUNCTION_AND")
      for (const child of nodesOf(node, "children").toReversed()) open.push(child);
    else conjuncts.push(node);
  }
  return conjuncts;
}

/** {@link Statement.stopAfterRows}. */
function stopAfterRows(
  select: SqlNode,
  columns: readonly ExpressionFacts[],
  { hasSubquery }: StatementReader,
): number | undefined {
  const table = select["from_table"];
  const cannotCombine =
    !hasSubquery &&
    isNode(table) &&
    table["type"] === "BASE_TABLE" &&
    table["sample"] === null &&
    select["sample"] === null &&
    definedCtes(select["cte_map"])?.length === 0 &&
    select["qualify"] === null &&
    select["having"] === null &&
    select["aggregate_handling"] === "STANDARD_HANDLING" &&
    nodesOf(select, "group_expressions").length === 0 &&
    columns.every(({ isOfOneRow }) => isOfOneRow);
  if (!cannotCombine) return undefined;
  const [modifier, ...others] = nodesOf(select, "modifiers");
  if (modifier === undefined) return Number.POSITIVE_INFINITY;
  return others.length === 0 && modifier["type"] === "LIMIT_MODIFIER"
    ? constant(modifier["limit"])
    : undefined;
}

function constant(limit: unknown): number | undefined {
  const value = isNode(limit) && limit["class"] === "CONSTANT" ? limit["value"] : undefined;
  const rows = isNode(value) ? value["value"] : undefined;
  return typeof rows === "number" && Number.isSafeInteger(rows) ? rows : undefined;
}
