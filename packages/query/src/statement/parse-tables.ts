import { isNode, nodesOf, type SqlNode, textOf } from "./sql-tree.ts";

/** A table that a statement names and that is none of its CTEs. */
export interface TableReference {
  /** Its name as written. */
  readonly name: string;
  /** The schema or catalogue before it, where one is written. */
  readonly qualifier: string | undefined;
}

/**
 * Collects the tables that a statement names. CTEs are resolved by scope exactly as DuckDB does: a name is a CTE only
 * inside the statement that defines it and after its definition, or inside itself where it is recursive. Anything else
 * would let `WITH "x.parquet" AS …` cover for a file of that name elsewhere in the statement.
 */
export function parseTables(statement: SqlNode): readonly TableReference[] {
  const found: TableReference[] = [];

  const visit = (value: unknown, scope: ReadonlySet<string>): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item, scope);
      return;
    }
    if (!isNode(value)) return;
    if (value["type"] === "BASE_TABLE") {
      const name = textOf(value, "table_name") ?? "";
      const qualifier = [textOf(value, "catalog_name"), textOf(value, "schema_name")]
        .filter(Boolean)
        .join(".");
      if (qualifier !== "" || !scope.has(name.toLowerCase())) {
        found.push({ name, qualifier: qualifier === "" ? undefined : qualifier });
      }
    }
    let inner = scope;
    for (const entry of isNode(value["cte_map"]) ? nodesOf(value["cte_map"], "map") : []) {
      const name = (textOf(entry, "key") ?? "").toLowerCase();
      const recursive = isRecursive(entry);
      visit(entry["value"], recursive ? new Set([...inner, name]) : inner);
      inner = new Set([...inner, name]);
    }
    for (const [field, child] of Object.entries(value)) if (field !== "cte_map") visit(child, inner);
  };

  visit(statement, new Set());
  return found;
}

function isRecursive(entry: SqlNode): boolean {
  const { value } = entry;
  const query = isNode(value) ? value["query"] : undefined;
  const node = isNode(query) ? query["node"] : undefined;
  return isNode(node) && node["type"] === "RECURSIVE_CTE_NODE";
}
