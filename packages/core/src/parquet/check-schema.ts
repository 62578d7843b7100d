import { invalid } from "../bytes/check-arguments.ts";
import { checkNames } from "../bytes/check-names.ts";
import { forEachYielding } from "../bytes/concurrency/yield-if-due.ts";
import type { Row } from "../bytes/row.ts";
import { showValue } from "../bytes/show-value.ts";
import type { ColumnSchema, ColumnType } from "./column-type.ts";
import { type InferOptions, MAX_NESTING } from "./infer-columns.ts";
import { type ColumnTable, isColumnTable } from "./table-rows.ts";

const SCALARS: ReadonlySet<unknown> = new Set([
  "int64",
  "double",
  "boolean",
  "string",
  "timestamp",
  "binary",
  "json",
  "null",
]);

/**
 * Checks a caller's schema.
 *
 * @throws StorageError `invalid_argument` that names the column.
 * @example
 * ```ts
 * checkSchema([{ name: "team", type: "string" }], "write");
 * ```
 */
export function checkSchema(schema: readonly ColumnSchema[], op: string): readonly ColumnSchema[] {
  checkFields(schema, "the schema", op, 0);
  return schema;
}

/**
 * Checks that rows have no column which a schema lacks, since that column would be lost. Lets the event loop turn.
 *
 * @throws StorageError `invalid_argument` that names the row and the column.
 */
export async function checkRowsFit(
  schema: readonly ColumnSchema[],
  table: readonly Row[] | ColumnTable,
  op: string,
  { except, checkpoint }: InferOptions = {},
): Promise<void> {
  const names = new Set([...schema.map(({ name }) => name), ...(except ?? [])]);
  const refuse = (name: string, where: string): never => {
    throw invalid(
      op,
      `${where} has the column ${JSON.stringify(name)}, which the schema lacks; add it to the schema, or remove it from the rows`,
    );
  };
  if (isColumnTable(table)) {
    for (const name of Object.keys(table.columns)) if (!names.has(name)) refuse(name, "the table");
    return;
  }
  const check = (row: Row, index: number): void => {
    for (const name in row) if (!names.has(name)) refuse(name, `row ${index}`);
  };
  await forEachYielding(table, check, checkpoint);
}

function checkFields(fields: readonly ColumnSchema[], where: string, op: string, depth: number): void {
  if (!Array.isArray(fields))
    throw invalid(
      op,
      `${where} must be an array such as [{ name: "team", type: "string" }], got ${showValue(fields)}`,
    );
  for (const field of fields) {
    if (typeof field?.name !== "string")
      throw invalid(op, `${where} holds ${showValue(field)}, expected { name: "team", type: "string" }`);
    checkType(field.type, `${where}, column ${JSON.stringify(field.name)}`, op, depth);
  }
  checkNames(
    fields.map(({ name }) => name),
    op,
  );
}

function checkType(type: ColumnType, where: string, op: string, depth: number): void {
  if (depth > MAX_NESTING) throw invalid(op, `${where} is nested deeper than ${MAX_NESTING} levels`);
  if (SCALARS.has(type)) return;
  if (typeof type === "object" && type !== null && "list" in type) {
    checkType(type.list, where, op, depth + 1);
    return;
  }
  const isStruct = typeof type === "object" && type !== null && "struct" in type;
  if (isStruct && Array.isArray(type.struct) && type.struct.length > 0) {
    checkFields(type.struct, where, op, depth + 1);
    return;
  }
  throw invalid(
    op,
    `${where} has the type ${showValue(type)}, expected one of ${[...SCALARS].join(", ")}, { list: type } or { struct: fields }`,
  );
}
