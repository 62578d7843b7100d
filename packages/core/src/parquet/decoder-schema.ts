import type { SchemaElement, SchemaTree } from "hyparquet";
import { kindOf, listElement } from "./footer-type.ts";

/**
 * Returns the name of the n-th child of a group in {@link decoderSchema}. hyparquet joins names by dots and uses them as
 * properties, so names such as `a.b` or `__proto__` must not reach it.
 */
export function decoderName(index: number): string {
  return `c${index}`;
}

/**
 * Returns a schema for hyparquet: with names of ours, without the types that it reads inexactly (decimals) or not at all
 * (times), and with maps as repeated structs, since it makes them objects, which lose equal keys.
 */
export function decoderSchema(node: SchemaTree, name = "schema"): SchemaElement[] {
  return [
    { ...decoderElement(node), name },
    ...node.children.flatMap((child, i) => decoderSchema(child, decoderName(i))),
  ];
}

function decoderElement(node: SchemaTree): SchemaElement {
  const { element, children } = node;
  const { converted_type, logical_type: _, ...plain } = element;
  if (children.length === 0) {
    if (converted_type === "ENUM") return { ...plain, converted_type: "UTF8" };
    return isDecimal(element) || timeUnit(element) !== undefined || converted_type === "BSON"
      ? plain
      : element;
  }
  return isPlainList(node) ? { ...plain, converted_type: "LIST" } : plain;
}

/** Returns whether a node is a list that hyparquet reads as such: all but those that repeat the element itself. */
export function isPlainList(node: SchemaTree): boolean {
  return kindOf(node) === "list" && listElement(node) !== node.children[0];
}

/** Returns whether values are decimals. */
export function isDecimal({ converted_type }: SchemaElement): boolean {
  return converted_type === "DECIMAL";
}

/** Returns the unit of times of the day, or undefined for other values. */
export function timeUnit({
  converted_type,
  logical_type,
}: SchemaElement): "MILLIS" | "MICROS" | "NANOS" | undefined {
  if (converted_type === "TIME_MILLIS") return "MILLIS";
  if (converted_type === "TIME_MICROS") return "MICROS";
  return logical_type?.type === "TIME" ? logical_type.unit : undefined;
}
