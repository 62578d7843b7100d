import { foldName } from "./fold-name.ts";

/** A node of DuckDB's parse tree or plan, as JSON. */
export type SqlNode = { readonly [field: string]: unknown };

/** True for a JSON object. */
export function isNode(value: unknown): value is SqlNode {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A string field, or undefined. */
export function textOf(node: SqlNode, field: string): string | undefined {
  const value = node[field];
  return typeof value === "string" ? value : undefined;
}

/** The nodes in a field that is a list. */
export function nodesOf(node: SqlNode, field: string): readonly SqlNode[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The strings of a list, as {@link foldName} folds them. */
export function namesIn(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return [];
  return value.filter((name) => typeof name === "string").map(foldName);
}

/** Yields every node below a value, parents first, without recursion: SQL can be nested deeper than the stack allows. */
export function* everyNode(root: unknown): Generator<SqlNode> {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (isNode(value)) yield value;
    if (typeof value === "object" && value !== null) {
      for (const inner of Object.values(value))
        if (typeof inner === "object" && inner !== null) open.push(inner);
    }
  }
}
