import type { CustomKind } from "../bytes/check-arguments.ts";

/**
 * A schema that parses and types rows: that of any library which implements [Standard Schema](https://standardschema.dev), such as
 * zod, Valibot or ArkType.
 *
 * @example
 * ```ts
 * const Play: RowSchema<{ team: string }> = z.object({ team: z.string() });
 * await storage.readIndex("raw/plays", {}, { rowSchema: Play });
 * ```
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

/** A problem with a row, and its place. */
export interface RowSchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The kind of an option that takes a {@link RowSchema}. Some libraries make schemas that are functions. */
export const ROW_SCHEMA: CustomKind = {
  expected: "a schema of zod or of another library with Standard Schema",
  is: (value) => {
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
    const standard: unknown = Reflect.get(value, "~standard");
    return typeof standard === "object" && standard !== null && "validate" in standard;
  },
};

/** The names from the row down to the value of an issue. */
export function issuePath({ path = [] }: RowSchemaIssue): PropertyKey[] {
  return path.map((part) => (typeof part === "object" ? part.key : part));
}

/** Describes issues in one line. */
export function describeIssues(issues: readonly RowSchemaIssue[]): string {
  return issues
    .map((issue) => `${issuePath(issue).map(String).join(".") || "the row"}: ${issue.message}`)
    .join("; ");
}
