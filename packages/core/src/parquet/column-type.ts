/**
 * The type of a column, and what its values are in JavaScript and in Parquet.
 *
 * | type | JavaScript | Parquet |
 * | --- | --- | --- |
 * | `int64` | number where safe, else bigint | INT64 |
 * | `double` | number | DOUBLE |
 * | `boolean` | boolean | BOOLEAN |
 * | `string` | string | BYTE_ARRAY, STRING |
 * | `timestamp` | Date | INT64, TIMESTAMP(MICROS, UTC) |
 * | `binary` | Uint8Array | BYTE_ARRAY |
 * | `json` | any JSON value | BYTE_ARRAY, JSON |
 * | `null` | null only | INT32, NULL: takes the type of any other column or file |
 * | `{ list }` | array | LIST |
 * | `{ struct }` | object | group |
 */
export type ColumnType =
  | "int64"
  | "double"
  | "boolean"
  | "string"
  | "timestamp"
  | "binary"
  | "json"
  | "null"
  | { readonly list: ColumnType }
  | { readonly struct: readonly ColumnSchema[] };

/** A column, or a field of a struct. All may hold nulls. */
export interface ColumnSchema {
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly type: ColumnType;
}

/**
 * Returns a type as a string: `int64`, `list<string>`, `struct<a: int64, b: string>`.
 *
 * @example
 * ```ts
 * typeName({ list: "string" }); // "list<string>"
 * ```
 */
export function typeName(type: ColumnType): string {
  if (typeof type === "string") return type;
  if ("list" in type) return `list<${typeName(type.list)}>`;
  return `struct<${type.struct.map((field) => `${field.name}: ${typeName(field.type)}`).join(", ")}>`;
}
