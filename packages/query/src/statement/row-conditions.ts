import { foldName } from "./fold-name.ts";
import { intervalsOf } from "./intervals-of.ts";
import { isNode, namesIn, type SqlNode, textOf } from "./sql-tree.ts";
import type { ParsedCondition, ParsedConditions } from "./statement.ts";

/** Functions that a condition may call: they return the same for the same values and have no effect. */
const PURE_FUNCTIONS: ReadonlySet<string> = new Set(
  "+ - * / // % || ~~ !~~ ~~* !~~* abs concat contains ends_with left length lower mod prefix regexp_matches replace right starts_with substr substring suffix trim upper".split(
    " ",
  ),
);
const PURE_CLASSES: ReadonlySet<unknown> = new Set([
  "BETWEEN",
  "COLUMN_REF",
  "COMPARISON",
  "CONJUNCTION",
  "OPERATOR",
]);
/** Expressions that make one value of one row. A function is one only where it is an operator: it may be an aggregate. */
const OF_ONE_ROW: ReadonlySet<unknown> = new Set([
  ...PURE_CLASSES,
  "CASE",
  "CAST",
  "COLLATE",
  "CONSTANT",
  "STAR",
]);

/** The most parts of WHERE that are evaluated on the list of partitions. The optimiser evaluates the others. */
const MAX_CONDITIONS = 1_000;

/** Facts about one expression, collected while its nodes are visited. */
export interface ExpressionFacts {
  readonly node: SqlNode;
  /** The lower-case names of its columns, each with the qualifiers before it. */
  readonly columns: (readonly string[])[];
  hasStar: boolean;
  /** True where it depends on nothing but the values in it, and survives the way through JSON. */
  isPure: boolean;
  /** True where it makes one value of one row. */
  isOfOneRow: boolean;
}

/** Adds a node to the facts of the expression that it belongs to. */
export function readNode(facts: ExpressionFacts, node: SqlNode): void {
  const kind = node["class"];
  if (kind === "COLUMN_REF") facts.columns.push(namesIn(node["column_names"]));
  if (kind === "STAR") facts.hasStar = true;
  if (kind === undefined) return;
  facts.isPure &&= isPure(node);
  facts.isOfOneRow &&= OF_ONE_ROW.has(kind) || (kind === "FUNCTION" && node["is_operator"] === true);
}

interface Source {
  /** The table's name as written. */
  readonly table: string;
  /** The lower-case name that qualifies its columns. */
  readonly alias: string;
}

/**
 * The conditions that every row that matters fulfils: the parts of WHERE that look at one table only, in a query that is one
 * SELECT over tables or their inner joins. Everything less obvious is left to the optimiser (docs/decisions/0014).
 *
 * @param counts how many tables and queries the whole statement has.
 */
export function rowConditions(
  select: SqlNode,
  conjuncts: readonly ExpressionFacts[],
  counts: { readonly tableCount: number; readonly queryCount: number },
): ParsedConditions | undefined {
  if (select["sample"] !== null) return undefined;
  const sources = sourcesOf(select["from_table"]);
  if (sources === undefined || !isAllThereIs(sources, counts)) return undefined;

  const [only] = sources.length === 1 ? sources : [];
  const conditions: ParsedCondition[] = [];
  const others = new Set<string>();
  for (const { node, columns: names, isPure: pure, hasStar } of conjuncts) {
    const source = only ?? sources.find(({ alias }) => names.every(([qualifier]) => qualifier === alias));
    const qualified = names.every((path) => path.length === 2 && path[0] === source?.alias);
    const plain = only !== undefined && names.every((path) => path.length === 1 || path[0] === only.alias);
    const isUsable = source !== undefined && names.length > 0 && (qualified || plain) && pure;
    if (isUsable && conditions.length < MAX_CONDITIONS) {
      const columns = [...new Set(names.map((path) => path.at(-1) ?? ""))];
      conditions.push({ table: source.table, columns, intervals: intervalsOf(node), node });
    } else {
      for (const name of names.flat()) others.add(name);
      if (hasStar) return undefined;
    }
  }
  if (conditions.length === 0) return undefined;
  const isOnlyFilter = only !== undefined && select["having"] === null && select["qualify"] === null;
  return { conditions, otherColumns: isOnlyFilter ? others : undefined };
}

/** The tables of a FROM that is one table or inner joins of tables. */
function sourcesOf(from: unknown): readonly Source[] | undefined {
  if (!isNode(from) || from["sample"] !== null) return undefined;
  if (from["type"] === "BASE_TABLE") {
    const { column_name_alias: renamed } = from;
    if (Array.isArray(renamed) && renamed.length > 0) return undefined;
    const table = textOf(from, "table_name") ?? "";
    return [{ table, alias: foldName(textOf(from, "alias") || table) }];
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
function isAllThereIs(
  sources: readonly Source[],
  { tableCount, queryCount }: { readonly tableCount: number; readonly queryCount: number },
): boolean {
  const names = new Set(sources.map(({ table }) => foldName(table)));
  const aliases = new Set(sources.map(({ alias }) => alias));
  return (
    queryCount === 1 &&
    tableCount === sources.length &&
    names.size === sources.length &&
    aliases.size === sources.length
  );
}

function isPure(node: SqlNode): boolean {
  const kind = node["class"];
  if (PURE_CLASSES.has(kind)) return true;
  if (kind === "CONSTANT") return isExact(node["value"]);
  if (kind === "CAST") return isNode(node["cast_type"]) && node["cast_type"]["type_info"] === null;
  if (kind !== "FUNCTION" || node["schema"] !== "" || node["filter"] !== null) return false;
  return PURE_FUNCTIONS.has(textOf(node, "function_name") ?? "");
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
