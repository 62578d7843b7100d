import { quoteText } from "../../statement/quote.ts";
import { isNode, nodesOf, type SqlNode } from "../../statement/sql-tree.ts";

const OPERATORS: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: "=",
  COMPARE_NOTEQUAL: "<>",
  COMPARE_LESSTHAN: "<",
  COMPARE_LESSTHANOREQUALTO: "<=",
  COMPARE_GREATERTHAN: ">",
  COMPARE_GREATERTHANOREQUALTO: ">=",
};
const INTEGERS: ReadonlySet<unknown> = new Set(["TINYINT", "SMALLINT", "INTEGER", "BIGINT"]);

/**
 * A filter that DuckDB has pushed into a scan, as SQL over a column. Parts that are not understood are left out, which only widens
 * it. Undefined where nothing is left.
 */
export function scanFilterSql(filter: unknown, column: string): string | undefined {
  if (!isNode(filter)) return undefined;
  switch (filter["filter_type"]) {
    case "CONSTANT_COMPARISON": {
      const operator = OPERATORS[String(filter["comparison_type"])];
      const constant = constantSql(filter["constant"]);
      return operator && constant && `${column} ${operator} ${constant}`;
    }
    case "IN_FILTER": {
      const values = nodesOf(filter, "values").map(constantSql);
      const isKnown = values.length > 0 && values.every((value) => value !== undefined);
      return isKnown ? `${column} IN (${values.join(", ")})` : undefined;
    }
    case "IS_NULL":
      return `${column} IS NULL`;
    case "IS_NOT_NULL":
      return `${column} IS NOT NULL`;
    case "OPTIONAL_FILTER":
      return scanFilterSql(filter["child_filter"], column);
    case "CONJUNCTION_AND": {
      const known = children(filter, column).filter((sql) => sql !== undefined);
      return known.length > 0 ? `(${known.join(" AND ")})` : undefined;
    }
    case "CONJUNCTION_OR": {
      const all = children(filter, column);
      return all.length > 0 && all.every((sql) => sql !== undefined) ? `(${all.join(" OR ")})` : undefined;
    }
    default:
      return undefined;
  }
}

function children(filter: SqlNode, column: string): readonly (string | undefined)[] {
  return nodesOf(filter, "child_filters").map((child) => scanFilterSql(child, column));
}

/** Whole numbers that came through JSON unchanged, and strings. */
function constantSql(constant: unknown): string | undefined {
  if (!isNode(constant) || constant["is_null"] !== false || !isNode(constant["type"])) return undefined;
  const { type, value } = constant;
  if (typeof value === "string" && type["id"] === "VARCHAR") return quoteText(value);
  return INTEGERS.has(type["id"]) && Number.isSafeInteger(value)
    ? `CAST('${String(value)}' AS BIGINT)`
    : undefined;
}
