import { StorageError } from "@parquetry/core";

/** A type as SQL writes it: `BIGINT`, `DECIMAL(18, 2)`, `TIMESTAMP WITH TIME ZONE`, `VARCHAR[]`. Nothing else can be in it. */
const TYPE = /^[A-Za-z][A-Za-z0-9_]*(?: [A-Za-z]+)*(?:\(\d+(?:, ?\d+)?\))?(?:\[\d*\])*$/;

/**
 * Checks types that become part of SQL.
 *
 * @throws StorageError `invalid_argument` naming the entity and the column.
 */
export function checkDeclaredTypes(
  option: string,
  declared: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined,
): void {
  for (const [entity, types] of Object.entries(declared ?? {})) {
    for (const [column, type] of Object.entries(types)) {
      if (typeof type === "string" && TYPE.test(type)) continue;
      throw new StorageError({
        code: "invalid_argument",
        op: "openQuery",
        path: entity,
        message: `openQuery: ${option} of ${entity}: ${column} has the type ${JSON.stringify(type)}. Expected a SQL type such as BIGINT, VARCHAR, DOUBLE, DATE or DECIMAL(18,2).`,
      });
    }
  }
}
