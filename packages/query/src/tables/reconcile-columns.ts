import { StorageError } from "@parquetry/core";
import type { DuckDb } from "../duckdb/duckdb.ts";
import type { FileColumn, FileGroup } from "../duckdb/views/scan-table.ts";
import { foldName } from "../statement/fold-name.ts";
import { joinTypes } from "./column-join.ts";
import type { DeclaredTypes } from "./key-types.ts";

export interface ReconcileInput {
  /** The entity, for messages. */
  readonly entity: string;
  /** The files that are read, their columns with their names in SQL. */
  readonly groups: readonly FileGroup[];
  /** The columns of the reference files of the entity. */
  readonly reference: readonly FileColumn[];
  /** Types that the caller has declared, by column. */
  readonly declared: DeclaredTypes;
  /** False where the query cannot need a column. */
  readonly mentions: (column: string) => boolean;
  readonly signal: AbortSignal | undefined;
}

/** The columns of a table, and the columns of its files without those that are NULL throughout under another type. */
export interface ReconciledColumns {
  readonly columns: readonly FileColumn[];
  readonly groups: readonly FileGroup[];
}

/** A type of a column, and the groups of files in which it has that type. */
export interface Variant {
  readonly type: string;
  readonly groups: FileGroup[];
}

/**
 * Gives each column one type for all files that are read. A declared type wins. Otherwise a column that is NULL throughout a file
 * has no type there, and the types in the other files are joined by {@link joinTypes}. A column that no file has, or that is NULL
 * throughout all files, has its type in the reference files.
 *
 * @throws StorageError `invalid_argument` naming the column, its types and a file of each, where no type holds all values.
 */
export async function reconcileColumns(duckdb: DuckDb, input: ReconcileInput): Promise<ReconciledColumns> {
  const named = new Map<string, FileColumn>();
  for (const column of [...input.reference, ...input.groups.flatMap((group) => group.columns)]) {
    if (!input.mentions(column.name)) continue;
    const other = named.get(foldName(column.name));
    if (other === undefined) named.set(foldName(column.name), column);
    else if (foldName(sourceOf(other)) !== foldName(sourceOf(column)))
      throw sameName(input.entity, column, other);
  }
  const reference = new Map(input.reference.map((column) => [foldName(column.name), column.type]));
  const nullOnly = new Map<FileGroup, Set<string>>();
  const columns: FileColumn[] = [];
  for (const [folded, { name, source }] of named) {
    const add = (type: string): void => void columns.push({ name, type, source });
    const declared = declaredType(input.declared, folded);
    const variants = variantsOf(input.groups, folded);
    const expected = declared ?? reference.get(folded);
    const agreed = variants.length === 1 ? variants[0]?.type : undefined;
    if (declared !== undefined) {
      markNull(
        nullOnly,
        variants.filter(({ type }) => type === "NULL"),
        folded,
      );
      add(declared);
    } else if (agreed !== undefined && agreed !== "NULL" && (expected === undefined || expected === agreed)) {
      add(agreed);
    } else {
      const withValues: Variant[] = [];
      for (const variant of variants) {
        const { empty, filled } = await splitByNull(duckdb, variant, folded, input);
        markNull(nullOnly, [{ type: variant.type, groups: empty }], folded);
        if (filled.length > 0) withValues.push({ type: variant.type, groups: filled });
      }
      add(joined(input.entity, name, withValues) ?? knownType(expected, variants));
    }
  }
  return { columns, groups: input.groups.map((group) => withoutNulls(group, nullOnly.get(group))) };
}

/** The type that the caller has declared for a column, by its lower-case name. */
export function declaredType(declared: DeclaredTypes, folded: string): string | undefined {
  return Object.entries(declared).find(([name]) => foldName(name) === folded)?.[1];
}

/** The types of a column, by its lower-case name, and the files of each. */
export function variantsOf(groups: readonly FileGroup[], folded: string): readonly Variant[] {
  const variants = new Map<string, Variant>();
  for (const group of groups) {
    const type = group.columns.find(({ name }) => foldName(name) === folded)?.type;
    if (type === undefined) continue;
    const variant = variants.get(type) ?? { type, groups: [] };
    variant.groups.push(group);
    variants.set(type, variant);
  }
  return [...variants.values()];
}

async function splitByNull(
  duckdb: DuckDb,
  variant: Variant,
  folded: string,
  { signal }: ReconcileInput,
): Promise<{ readonly empty: FileGroup[]; readonly filled: FileGroup[] }> {
  if (variant.type === "NULL") return { empty: variant.groups, filled: [] };
  const empty: FileGroup[] = [];
  const filled: FileGroup[] = [];
  for (const group of variant.groups) {
    const column = group.columns.find(({ name }) => foldName(name) === folded);
    const name = column === undefined ? folded : sourceOf(column);
    ((await duckdb.isAllNull(group, name, { signal })) ? empty : filled).push(group);
  }
  return { empty, filled };
}

function joined(entity: string, name: string, variants: readonly Variant[]): string | undefined {
  let type: string | undefined;
  for (const variant of variants) {
    type = type === undefined ? variant.type : joinTypes(type, variant.type);
    if (type === undefined) throw drift(entity, name, variants);
  }
  return type;
}

/** The type of a column without any value. */
function knownType(expected: string | undefined, variants: readonly Variant[]): string {
  if (expected !== undefined && expected !== "NULL") return expected;
  return variants.find(({ type }) => type !== "NULL")?.type ?? "INTEGER";
}

function markNull(nullOnly: Map<FileGroup, Set<string>>, variants: readonly Variant[], folded: string): void {
  for (const group of variants.flatMap(({ groups }) => groups)) {
    const names = nullOnly.get(group) ?? new Set();
    names.add(folded);
    nullOnly.set(group, names);
  }
}

function withoutNulls(group: FileGroup, nulls: ReadonlySet<string> | undefined): FileGroup {
  if (nulls === undefined) return group;
  return { ...group, columns: group.columns.filter(({ name }) => !nulls.has(foldName(name))) };
}

/** The name of a column in the files. */
export function sourceOf({ name, source = name }: FileColumn): string {
  return source;
}

/** A file that is read has a column of the name that SQL has for another column. */
function sameName(entity: string, column: FileColumn, other: FileColumn): StorageError {
  const [renamed, plain] = column.source === undefined ? [other, column] : [column, other];
  return new StorageError({
    code: "invalid_argument",
    op: "sql",
    path: entity,
    message: `sql: the files of ${entity} have the columns ${JSON.stringify(sourceOf(renamed))} and ${JSON.stringify(plain.name)}. SQL calls the first one ${JSON.stringify(renamed.name)} too, since it differs from a partition key only in case. Leave ${JSON.stringify(renamed.name)} out, or rename one of the columns.`,
  });
}

function drift(entity: string, name: string, variants: readonly Variant[]): StorageError {
  const found = variants.map(({ type, groups }) => {
    const files = groups.flatMap((group) => group.files);
    const more = files.length > 1 ? ` and ${files.length - 1} more` : "";
    return `${type} in ${files[0]?.key ?? "?"}${more}`;
  });
  return new StorageError({
    code: "invalid_argument",
    op: "sql",
    path: entity,
    message: `sql: the column ${JSON.stringify(name)} of ${entity} is ${found.join(", ")}, and no type holds them all unchanged. Leave the column out, read fewer partitions, or declare its type: --column-type ${JSON.stringify(`${entity}.${name}=VARCHAR`)} on the command line, openQuery(storage, { columnTypes: { ${JSON.stringify(entity)}: { ${JSON.stringify(name)}: "VARCHAR" } } }) in code.`,
  });
}
