import { invalid } from "../bytes/check-arguments.ts";
import { checkNames } from "../bytes/check-names.ts";
import type { Row } from "../bytes/row.ts";
import { showValue } from "../bytes/show-value.ts";
import type { ColumnSchema, ColumnType } from "./column-type.ts";
import { MAX_NESTING } from "./infer-columns.ts";

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
 * Checks a caller's schema, and that the rows have no column which it lacks, since that column would be lost.
 *
 * @param except columns that the schema may lack.
 * @throws StorageError `invalid_argument` that names the column.
 * @example
 * ```ts
 * checkSchema([{ name: "team", type: "string" }], rows, "write");
 * ```
 */
export function checkSchema(
  schema: readonly ColumnSchema[],
  rows: readonly Row[],
  op: string,
  except?: ReadonlySet<string>,
): readonly ColumnSchema[] {
  checkFields(schema, "the schema", op, 0);
  const names = new Set(schema.map(({ name }) => name));
  rows.forEach((row, index) => {
    for (const name in row) {
      if (!names.has(name) && !except?.has(name))
        throw invalid(
          op,
          `row ${index} has the column ${JSON.stringify(name)}, which the schema lacks; add it to the schema, or remove it from the rows`,
        );
    }
  });
  return schema;
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
