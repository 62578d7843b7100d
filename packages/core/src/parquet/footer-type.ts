import type { SchemaTree } from "hyparquet";
import type { ColumnSchema, ColumnType } from "./column-type.ts";

/** Whether a node of the schema is a column of values, or a group that becomes an array, a map or an object. */
export type NodeKind = "leaf" | "list" | "map" | "struct";

/** Returns the kind of a node of a footer's schema. */
export function kindOf({ element, children }: SchemaTree): NodeKind {
  const [child] = children;
  if (child === undefined) return "leaf";
  const single = children.length === 1 && child.element.repetition_type === "REPEATED";
  if (element.converted_type === "LIST" && single) return "list";
  if (element.converted_type === "MAP" && single && child.children.length === 2) return "map";
  return "struct";
}

/**
 * Returns the element of a list node. Old writers repeat the element itself, without a group around it
 * (parquet-format, LogicalTypes.md, "Backward-compatibility rules").
 */
export function listElement({ element, children: [repeated] }: SchemaTree): SchemaTree | undefined {
  if (repeated === undefined) return undefined;
  const { children } = repeated;
  const isElement =
    children.length !== 1 ||
    repeated.element.name === "array" ||
    repeated.element.name === `${element.name}_tuple`;
  return isElement ? repeated : children[0];
}

/**
 * Returns the type of a column in a footer, as `typeName` does for types that Parquetry writes, else by its Arrow name:
 * `int64`, `list<string>`, `date`, `decimal(9, 2)`.
 */
export function footerType(node: SchemaTree): string {
  const { element, children } = node;
  const own = ownType(node);
  return element.repetition_type === "REPEATED" && children.length === 0 ? `list<${own}>` : own;
}

function ownType(node: SchemaTree): string {
  switch (kindOf(node)) {
    case "list": {
      const element = listElement(node);
      return `list<${element === undefined ? "null" : footerType(element)}>`;
    }
    case "map": {
      const [key, value] = node.children[0]?.children ?? [];
      return `map<${key === undefined ? "null" : footerType(key)}, ${value === undefined ? "null" : footerType(value)}>`;
    }
    case "struct":
      return `struct<${node.children.map((child) => `${child.element.name}: ${footerType(child)}`).join(", ")}>`;
    case "leaf":
      return leafType(node);
  }
}

const CONVERTED: Readonly<Record<string, string>> = {
  UTF8: "string",
  ENUM: "string",
  JSON: "json",
  BSON: "bson",
  DATE: "date",
  TIME_MILLIS: "time",
  TIME_MICROS: "time",
  TIMESTAMP_MILLIS: "timestamp",
  TIMESTAMP_MICROS: "timestamp",
  UINT_8: "uint8",
  UINT_16: "uint16",
  UINT_32: "uint32",
  UINT_64: "uint64",
  INT_8: "int8",
  INT_16: "int16",
  INT_32: "int32",
  INT_64: "int64",
  INTERVAL: "interval",
};

const PHYSICAL: Readonly<Record<string, string>> = {
  BOOLEAN: "boolean",
  INT32: "int32",
  INT64: "int64",
  INT96: "timestamp",
  FLOAT: "float",
  DOUBLE: "double",
  BYTE_ARRAY: "binary",
  FIXED_LEN_BYTE_ARRAY: "binary",
};

function leafType({ element }: SchemaTree): string {
  const { converted_type, logical_type, precision = 0, scale = 0, type = "" } = element;
  if (logical_type?.type === "NULL") return "null";
  if (converted_type === "DECIMAL" || logical_type?.type === "DECIMAL")
    return `decimal(${precision}, ${scale})`;
  const converted = converted_type === undefined ? undefined : CONVERTED[converted_type];
  if (converted !== undefined) return converted;
  switch (logical_type?.type) {
    case "STRING":
    case "ENUM":
      return "string";
    case "TIMESTAMP":
    case "TIME":
    case "DATE":
    case "UUID":
    case "JSON":
    case "BSON":
    case "FLOAT16":
      return logical_type.type.toLowerCase();
    case "INTEGER":
      return `${logical_type.isSigned ? "" : "u"}int${logical_type.bitWidth}`;
    default:
      return PHYSICAL[type] ?? type.toLowerCase();
  }
}

const AS_COLUMN: Readonly<Record<string, ColumnType>> = {
  int8: "int64",
  int16: "int64",
  int32: "int64",
  int64: "int64",
  uint8: "int64",
  uint16: "int64",
  uint32: "int64",
  double: "double",
  boolean: "boolean",
  string: "string",
  binary: "binary",
  json: "json",
  null: "null",
};

/** Returns the type of a column as a schema for writing has it, or undefined if Parquetry does not write that type. */
export function columnTypeOf(node: SchemaTree): ColumnType | undefined {
  if (node.element.repetition_type === "REPEATED") return undefined;
  switch (kindOf(node)) {
    case "list": {
      const element = listElement(node);
      const list = element === undefined ? undefined : columnTypeOf(element);
      return list && { list };
    }
    case "struct": {
      const struct: ColumnSchema[] = [];
      for (const child of node.children) {
        const type = columnTypeOf(child);
        if (type === undefined) return undefined;
        struct.push({ name: child.element.name, type });
      }
      return { struct };
    }
    case "map":
      return undefined;
    case "leaf":
      return isInstant(node) ? "timestamp" : AS_COLUMN[leafType(node)];
  }
}

/** Returns whether a timestamp is an instant. One without a time zone is a local time, which a Date cannot hold. */
function isInstant({ element: { logical_type, converted_type } }: SchemaTree): boolean {
  if (logical_type?.type === "TIMESTAMP") return logical_type.isAdjustedToUTC;
  return converted_type === "TIMESTAMP_MICROS" || converted_type === "TIMESTAMP_MILLIS";
}
