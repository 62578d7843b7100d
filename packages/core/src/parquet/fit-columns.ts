import { checkNames } from "../bytes/check-names.ts";
import type { ColumnSchema, ColumnType } from "./column-type.ts";

/** A column of the table so far. Its type is undefined if Parquetry does not write that type, such as a decimal. */
export interface KnownColumn {
  /** Its name. */
  readonly name: string;
  /** Its type. */
  readonly type: ColumnType | undefined;
}

/** A column of a write whose type does not fit the table so far. */
export interface MisfitColumn {
  /** Its name. */
  readonly column: string;
  /** Its type in the write. */
  readonly type: ColumnType;
  /** Its type in the table so far. */
  readonly known: ColumnType;
}

/**
 * Fits the columns that were inferred from rows to those of the table so far: the same columns in the same order with the same
 * types, then the new ones. A type is widened if no value changes (all-null to any type, whole numbers to `double`). A column
 * that the rows lack is all null. A column that does not fit keeps its type, and is one of the `misfits`.
 *
 * @throws StorageError `invalid_argument` for two names that differ only in case.
 */
export function fitColumns(
  found: readonly ColumnSchema[],
  known: readonly KnownColumn[],
): { readonly columns: readonly ColumnSchema[]; readonly misfits: readonly MisfitColumn[] } {
  const misfits: MisfitColumn[] = [];
  const rest = new Map(found.map(({ name, type }) => [name, type]));
  const columns: ColumnSchema[] = [];
  for (const { name, type: knownType } of known) {
    const type = rest.get(name);
    rest.delete(name);
    // A column whose type cannot be written keeps its place if the rows have it, and is left out if not.
    if (knownType === undefined) {
      if (type !== undefined) columns.push({ name, type });
      continue;
    }
    const fitted = type === undefined ? knownType : fitType(type, knownType);
    if (fitted === undefined && type !== undefined) misfits.push({ column: name, type, known: knownType });
    columns.push({ name, type: fitted ?? type ?? knownType });
  }
  for (const [name, type] of rest) columns.push({ name, type });
  checkNames(
    columns.map(({ name }) => name),
    "write",
  );
  return { columns, misfits };
}

/** Returns the type for the column if the values of `found` fit the known type, else undefined. */
function fitType(found: ColumnType, known: ColumnType): ColumnType | undefined {
  if (found === known || found === "null") return known;
  if (known === "null") return found;
  if (found === "int64" && known === "double") return "double";
  if (typeof found === "object") {
    if (known === "json") return known;
    if (typeof known === "string") return undefined;
    if ("list" in found && "list" in known) {
      const list = fitType(found.list, known.list);
      return list && { list };
    }
    if ("struct" in found && "struct" in known) {
      const { columns, misfits } = fitColumns(found.struct, known.struct);
      return misfits.length > 0 ? undefined : { struct: columns };
    }
    return undefined;
  }
  // An object without fields is inferred as json.
  return found === "json" && typeof known === "object" && "struct" in known ? known : undefined;
}
