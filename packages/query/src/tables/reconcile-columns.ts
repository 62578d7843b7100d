import { StorageError } from "@parquetry/core";
import type { DuckDb } from "../duckdb/duckdb.ts";
import type { FileGroup, QueryColumn } from "../duckdb/views/scan-table.ts";
import { joinTypes } from "./column-join.ts";
import type { DeclaredTypes } from "./key-types.ts";

export interface ReconcileInput {
  /** The entity, for messages. */
  readonly entity: string;
  /** The files that are read. */
  readonly groups: readonly FileGroup[];
  /** The columns of the reference files of the entity. */
  readonly reference: readonly QueryColumn[];
  /** Types that the caller has declared, by column. */
  readonly declared: DeclaredTypes;
  /** Its partition keys, which are never columns of the files. */
  readonly keys: readonly QueryColumn[];
  /** False where the query cannot need a column. */
  readonly mentions: (column: string) => boolean;
}

/** The columns of a table, and the columns of its files without those that are NULL throughout under another type. */
export interface ReconciledColumns {
  readonly columns: readonly QueryColumn[];
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
  const keyNames = new Set(input.keys.map(({ name }) => name.toLowerCase()));
  const names = new Map<string, string>();
  for (const { name } of [...input.reference, ...input.groups.flatMap((group) => group.columns)]) {
    const folded = name.toLowerCase();
    if (!names.has(folded) && !keyNames.has(folded) && input.mentions(name)) names.set(folded, name);
  }
  const reference = new Map(input.reference.map((column) => [column.name.toLowerCase(), column.type]));
  const nullOnly = new Map<FileGroup, Set<string>>();
  const columns: QueryColumn[] = [];
  for (const [folded, name] of names) {
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
      columns.push({ name, type: declared });
    } else if (agreed !== undefined && agreed !== "NULL" && (expected === undefined || expected === agreed)) {
      columns.push({ name, type: agreed });
    } else {
      const withValues: Variant[] = [];
      for (const variant of variants) {
        const { empty, filled } = await splitByNull(duckdb, variant, folded);
        markNull(nullOnly, [{ type: variant.type, groups: empty }], folded);
        if (filled.length > 0) withValues.push({ type: variant.type, groups: filled });
      }
      columns.push({ name, type: joined(input.entity, name, withValues) ?? knownType(expected, variants) });
    }
  }
  return { columns, groups: input.groups.map((group) => withoutNulls(group, nullOnly.get(group))) };
}

/** The type that the caller has declared for a column, by its lower-case name. */
export function declaredType(declared: DeclaredTypes, folded: string): string | undefined {
  return Object.entries(declared).find(([name]) => name.toLowerCase() === folded)?.[1];
}

/** The types of a column, by its lower-case name, and the files of each. */
export function variantsOf(groups: readonly FileGroup[], folded: string): readonly Variant[] {
  const variants = new Map<string, Variant>();
  for (const group of groups) {
    const type = group.columns.find(({ name }) => name.toLowerCase() === folded)?.type;
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
): Promise<{ readonly empty: FileGroup[]; readonly filled: FileGroup[] }> {
  if (variant.type === "NULL") return { empty: variant.groups, filled: [] };
  const empty: FileGroup[] = [];
  const filled: FileGroup[] = [];
  for (const group of variant.groups) {
    const name = group.columns.find((column) => column.name.toLowerCase() === folded)?.name ?? folded;
    ((await duckdb.isAllNull(group, name)) ? empty : filled).push(group);
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
  return { ...group, columns: group.columns.filter(({ name }) => !nulls.has(name.toLowerCase())) };
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
