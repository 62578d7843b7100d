import { StorageError } from "@parquetry/core";

/**
 * A schema that parses and types rows: that of any library which implements [Standard Schema](https://standardschema.dev), such as
 * zod, Valibot or ArkType.
 */
export interface RowSchema<T> {
  /** The properties that Standard Schema defines. */
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => RowSchemaResult<T> | Promise<RowSchemaResult<T>>;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
  };
}

/** The result of a {@link RowSchema}: a row, or what is wrong with it. */
export type RowSchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly RowSchemaIssue[] };

interface RowSchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** True for an object that implements Standard Schema. Some libraries make schemas that are functions. */
export function isRowSchema(value: unknown): boolean {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard: unknown = Reflect.get(value, "~standard");
  return typeof standard === "object" && standard !== null && "validate" in standard;
}

/**
 * Parses rows by a schema.
 *
 * @param first the number of the first row in the result, for messages.
 * @throws StorageError `invalid_argument` naming the row and the column of a value that does not fit.
 */
export async function parseRows<T>(
  rows: readonly unknown[],
  schema: RowSchema<T>,
  first: number,
): Promise<T[]> {
  const parsed: T[] = [];
  for (const [i, row] of rows.entries()) {
    const checked = schema["~standard"].validate(row);
    const result = checked instanceof Promise ? await checked : checked;
    if (result.issues !== undefined) throw unfit(first + i, result.issues);
    parsed.push(result.value);
  }
  return parsed;
}

function unfit(row: number, issues: readonly RowSchemaIssue[]): StorageError {
  const problems = issues.map(({ path = [], message }) => {
    const place = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
    return `${place || "the row"}: ${message}`;
  });
  return new StorageError({
    code: "invalid_argument",
    op: "sql",
    retry: "never",
    message: `sql: row ${row} of the result does not fit the schema: ${problems.join("; ")}. Change the SQL, for example by a cast, or the schema.`,
  });
}
