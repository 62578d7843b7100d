import { type CustomKind, checkArgument, invalid, isPlainObject } from "../bytes/check-arguments.ts";
import type { ColumnSchema, ColumnType } from "./column-type.ts";

/** A zod object schema, of `zod` or `zod/mini`. Only the parts that are used here, so that nobody else needs zod. */
export interface ZodObjectLike {
  /** The schema of each field. */
  readonly shape: Readonly<Record<string, unknown>>;
  /** Distinguishes a schema from another object with a `shape`. */
  readonly safeParse: unknown;
}

/**
 * Returns the columns of a zod object schema, for the option `schema` of a write: strings and enums as `string`,
 * whole numbers (`z.int()`) and bigints as `int64`, other numbers as `double`, dates as `timestamp`, arrays as lists,
 * objects as structs, records and unknowns as `json`. Whether a field is optional or nullable makes no difference: every
 * column may hold nulls.
 *
 * @throws StorageError `invalid_argument` for a field that has no column type, such as a transform.
 * @example
 * ```ts
 * const Play = z.object({ team: z.string(), yards: z.int().nullable() });
 * await storage.write("raw/plays", plays, place, { schema: columnsFromZod(Play) });
 * ```
 */
export function columnsFromZod(schema: ZodObjectLike): ColumnSchema[] {
  checkArgument(schema, OBJECT_SCHEMA, "the schema", "columnsFromZod");
  return Object.entries(schema.shape).map(([name, field]) => ({ name, type: columnType(field, name) }));
}

const OBJECT_SCHEMA: CustomKind = {
  expected: "a zod object, such as z.object({ team: z.string() })",
  is: (value) => {
    const { shape, safeParse } = value as ZodObjectLike;
    return (
      isPlainObject(shape) &&
      typeof safeParse === "function" &&
      Object.values(shape).every((field) => isPlainObject(Object(field).def))
    );
  },
};

/** The parts of zod's definitions that are used here. */
interface Definition {
  readonly type: string;
  readonly format?: string;
  readonly innerType?: Field;
  readonly element?: Field;
  readonly shape?: Readonly<Record<string, Field>>;
  readonly values?: readonly unknown[];
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly options?: readonly Field[];
}
interface Field {
  readonly def: Definition;
  readonly isInt?: boolean;
}

function columnType(given: unknown, where: string): ColumnType {
  // zod's classes differ by type, but all have `def`.
  const field = given as Field;
  const { def } = field;
  switch (def.type) {
    case "string":
    case "template_literal":
      return "string";
    case "number":
      // Numbers of zod/mini have no `isInt`.
      return field.isInt === true || def.format?.includes("int") ? "int64" : "double";
    case "bigint":
      return "int64";
    case "boolean":
      return "boolean";
    case "date":
      return "timestamp";
    case "null":
      return "null";
    case "record":
    case "unknown":
    case "any":
      return "json";
    case "enum":
      return ofValues(Object.values(def.entries ?? {}), where);
    case "literal":
      return ofValues(def.values ?? [], where);
    case "array":
      return { list: columnType(def.element, `${where}[]`) };
    case "object":
      return {
        struct: Object.entries(def.shape ?? {}).map(([name, inner]) => ({
          name,
          type: columnType(inner, `${where}.${name}`),
        })),
      };
    case "optional":
    case "nullable":
    case "nonoptional":
    case "default":
    case "prefault":
    case "readonly":
    case "catch":
      return columnType(def.innerType, where);
    case "union": {
      const options = (def.options ?? []).filter((option) => option.def.type !== "null");
      const [only] = options;
      if (only !== undefined && options.length === 1) return columnType(only, where);
    }
  }
  throw invalid(
    "columnsFromZod",
    `the field ${where} is a zod ${def.type}, which has no column type; describe the columns by hand: [{ name: ${JSON.stringify(where)}, type: "string" }]`,
  );
}

function ofValues(values: readonly unknown[], where: string): ColumnType {
  const kinds = new Set(values.map((value) => typeof value));
  const [kind] = kinds;
  if (kinds.size === 1) {
    if (kind === "string" || kind === "boolean") return kind;
    if (kind === "bigint") return "int64";
    if (kind === "number") return values.every(Number.isSafeInteger) ? "int64" : "double";
  }
  throw invalid(
    "columnsFromZod",
    `the values of the field ${where} do not have one common type that a column can have`,
  );
}
