import { isNode, nodesOf, type SqlNode } from "./sql-tree.ts";
import type { NumberInterval } from "./statement.ts";

const FLIPPED: Readonly<Record<string, string>> = {
  COMPARE_EQUAL: "COMPARE_EQUAL",
  COMPARE_LESSTHAN: "COMPARE_GREATERTHAN",
  COMPARE_LESSTHANOREQUALTO: "COMPARE_GREATERTHANOREQUALTO",
  COMPARE_GREATERTHAN: "COMPARE_LESSTHAN",
  COMPARE_GREATERTHANOREQUALTO: "COMPARE_LESSTHANOREQUALTO",
};

/**
 * The intervals that a comparison of a column with whole numbers allows, wide rather than narrow: `x < 5` is up to 5. Undefined
 * for any other condition.
 */
export function intervalsOf(condition: SqlNode): readonly NumberInterval[] | undefined {
  const type = String(condition["type"]);
  if (type === "COMPARE_BETWEEN") {
    const [low, high] = [numberOf(condition["lower"]), numberOf(condition["upper"])];
    return isColumn(condition["input"]) && low !== undefined && high !== undefined
      ? [[low, high]]
      : undefined;
  }
  if (type === "COMPARE_IN") {
    const [input, ...values] = nodesOf(condition, "children");
    const numbers = values.map(numberOf);
    return isColumn(input) && numbers.every((value) => value !== undefined)
      ? numbers.map((value) => [value, value] as const)
      : undefined;
  }
  const { left, right } = condition;
  if (isColumn(left)) return compared(type, numberOf(right));
  return isColumn(right) ? compared(FLIPPED[type], numberOf(left)) : undefined;
}

function compared(
  type: string | undefined,
  value: number | undefined,
): readonly NumberInterval[] | undefined {
  if (value === undefined) return undefined;
  switch (type) {
    case "COMPARE_EQUAL":
      return [[value, value]];
    case "COMPARE_LESSTHAN":
    case "COMPARE_LESSTHANOREQUALTO":
      return [[null, value]];
    case "COMPARE_GREATERTHAN":
    case "COMPARE_GREATERTHANOREQUALTO":
      return [[value, null]];
    default:
      return undefined;
  }
}

const isColumn = (node: unknown): boolean => isNode(node) && node["class"] === "COLUMN_REF";

/** A whole number that JavaScript can hold, or a parameter with one: `CAST('5' AS INTEGER)`. */
function numberOf(node: unknown): number | undefined {
  if (!isNode(node)) return undefined;
  if (node["class"] === "CAST" && isInteger(node["cast_type"])) {
    const text = constantOf(node["child"]);
    const value = typeof text === "string" && /^-?[0-9]+$/.test(text) ? Number(text) : undefined;
    return Number.isSafeInteger(value) ? value : undefined;
  }
  const value = constantOf(node);
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}

function constantOf(node: unknown): unknown {
  if (!isNode(node) || node["class"] !== "CONSTANT" || !isNode(node["value"])) return undefined;
  const { type, value, is_null: isNull } = node["value"];
  if (isNull === true || !(isInteger(type) || (isNode(type) && type["id"] === "VARCHAR"))) return undefined;
  return value;
}

const isInteger = (type: unknown): boolean =>
  isNode(type) && (type["id"] === "INTEGER" || type["id"] === "BIGINT");
