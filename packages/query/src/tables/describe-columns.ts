import { isStorageError, type StorageError } from "@parquetry/core";
import { arrayOf, type CustomKind, checkArgument, isOfKind, objectWith } from "@parquetry/core/unstable";
import { walkPartitions } from "@parquetry/core/unstable/tables";
import type { DuckDb } from "../duckdb/duckdb.ts";
import type { FileColumn, FileGroup, QueryColumn } from "../duckdb/views/scan-table.ts";
import { foldName } from "../statement/fold-name.ts";
import { joinTypes } from "./column-join.ts";
import { nameColumns, typesInFiles } from "./column-names.ts";
import { declaredType, sourceOf, variantsOf } from "./reconcile-columns.ts";
import { isReplaced, storedFiles } from "./stored-files.ts";
import {
  type DeclaredTable,
  MAX_DAMAGED,
  OF_ONE_FILE,
  type TableFacts,
  type TableReader,
} from "./table-facts.ts";

/** The type of a column without a known type. */
export const UNKNOWN_TYPE = "UNKNOWN";

/** The most files that are read: only their footers if they are local Parquet, else each is fetched or converted. */
const MAX_LOCAL_FILES = 1_000;
const MAX_FETCHED_FILES = 32;

/** A column of a described table. */
export interface DescribedColumn extends QueryColumn {
  /** Its name in the files, where SQL calls it by another, since it differs from a partition key only in case. */
  readonly source?: string | undefined;
  /** Why its type is `UNKNOWN`. Absent for every other type. */
  readonly problem?: string | undefined;
  /** Its types in the files that were read. Absent where all agree. */
  readonly types?: readonly TypeInFiles[] | undefined;
}

/** A type that a column has in some of the files. */
export interface TypeInFiles {
  readonly type: string;
  /** The number of these files. */
  readonly files: number;
  /** Whether one of them has a value. */
  readonly hasValues: boolean;
}

/** The columns of a described table. */
export interface ColumnsDescription {
  readonly columns: readonly DescribedColumn[];
  /** How many partitions were read, of how many. */
  readonly looked: { readonly partitions: number; readonly of: number };
  /** True where one of the files is CSV. */
  readonly hasCsv: boolean;
  /** The files that could not be read, and why. Empty where all could. */
  readonly unreadable: readonly { readonly path: string; readonly error: StorageError }[];
}

/**
 * Reads the footers of files that are spread evenly over an entity, and gives each column the one type that holds the values of
 * all of them, or `UNKNOWN`.
 */
export async function describeColumns(
  facts: TableFacts,
  declared: DeclaredTable,
  { duckdb, source, listing, signal }: TableReader,
): Promise<ColumnsDescription> {
  const { folders } = await walkPartitions(listing, facts.entity, { signal });
  const isCheap =
    source.isLocal && !folders.some(({ files }) => files.some(({ format }) => format === "csv"));
  const limit = isCheap ? MAX_LOCAL_FILES : MAX_FETCHED_FILES;
  const chosen = spread(folders, limit);
  const fetch = {
    count: { fetchedFiles: 0, fetchedBytes: 0 },
    columnTypes: typesInFiles(declared.columnTypes, facts.names.inFiles),
    parts: { mentions: () => false, intervalsOf: () => undefined },
  };
  const listed = await withoutDamaged(
    chosen,
    (some) => storedFiles(some, source, { signal, fetch }),
    ({ prefix }, path) => path.startsWith(`${prefix}/`),
  );
  const files = spread(listed.found, limit);
  const read = await withoutDamaged(
    files,
    async (some) => duckdb.groupFiles(await source.fetch(some, { ...fetch, signal }), { signal }),
    ({ file }, path) => file.info.key === path,
  );
  const unreadable = [...listed.unreadable, ...read.unreadable];
  const groups = nameColumns(read.found, facts.names.inSql);
  const named = new Map<string, FileColumn>();
  for (const column of [...facts.columns, ...groups.flatMap((group) => group.columns)]) {
    const folded = foldName(column.name);
    if (!named.has(folded)) named.set(folded, column);
  }
  const columns: DescribedColumn[] = [];
  for (const [folded, { name, source }] of named) {
    const given = declaredType(declared.columnTypes, folded);
    columns.push({
      name,
      ...(source === undefined ? {} : { source }),
      ...(given === undefined ? await typeOf(duckdb, folded, groups, signal) : { type: given }),
    });
  }
  return {
    columns,
    looked: { partitions: chosen.length, of: folders.length },
    hasCsv: files.some(({ file }) => file.format === "csv"),
    unreadable,
  };
}

/** Reads files or folders, without those that turn out to be damaged. */
async function withoutDamaged<I, T>(
  items: readonly I[],
  read: (items: readonly I[]) => Promise<T>,
  isAt: (item: I, path: string) => boolean,
): Promise<{ readonly found: T; readonly unreadable: ColumnsDescription["unreadable"] }> {
  const unreadable: { path: string; error: StorageError }[] = [];
  for (let left = items; ; ) {
    try {
      return { found: await read(left), unreadable };
    } catch (error) {
      if (!isStorageError(error) || !OF_ONE_FILE.has(error.code) || isReplaced(error)) throw error;
      const { path } = error;
      const others = path === undefined ? left : left.filter((item) => !isAt(item, path));
      const isOne = path !== undefined && others.length < left.length && others.length > 0;
      if (!isOne || unreadable.length === MAX_DAMAGED) throw error;
      unreadable.push({ path, error });
      left = others;
    }
  }
}

const NAMED_TYPE = objectWith("a name and a type", { name: "string", type: "string" });

/** What `describe` returns of the columns. */
const DESCRIPTION: CustomKind = objectWith("what describe() returns", {
  columns: arrayOf(NAMED_TYPE),
  looked: objectWith("numbers of partitions", { partitions: "whole", of: "whole" }),
  unreadable: "array",
});

/** What `describe` returns. */
export const TABLE_DESCRIPTION: CustomKind = {
  ...DESCRIPTION,
  is: (value) =>
    isOfKind(DESCRIPTION, value) &&
    isOfKind(objectWith("a table", { entity: "string", keys: arrayOf(NAMED_TYPE) }), value),
};

/**
 * Returns sentences about a table: why columns have no type, which files are damaged, and how many partitions were read if not
 * all.
 *
 * @example
 * ```ts
 * for (const note of describeNotes(await db.describe("plays"))) console.log(note);
 * ```
 */
export function describeNotes(description: ColumnsDescription): readonly string[] {
  checkArgument(description, DESCRIPTION, "description", "describeNotes");
  const { columns, looked, unreadable } = description;
  const notes: string[] = columns.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`${JSON.stringify(name)}: ${problem}`],
  );
  notes.push(...unreadable.map(({ path }) => `${path} could not be read, and its columns are not listed.`));
  if (looked.partitions < looked.of)
    notes.push(`Types come from ${looked.partitions} of ${looked.of} partitions.`);
  return notes;
}

async function typeOf(
  duckdb: DuckDb,
  folded: string,
  groups: readonly FileGroup[],
  signal: AbortSignal | undefined,
): Promise<Omit<DescribedColumn, "name">> {
  const types: TypeInFiles[] = [];
  for (const { type, groups: members } of variantsOf(groups, folded)) {
    if (type === "NULL") continue;
    const withValues: FileGroup[] = [];
    for (const group of members) if (await hasValues(duckdb, group, folded, signal)) withValues.push(group);
    const count = (some: readonly FileGroup[]): number =>
      some.reduce((sum, group) => sum + group.files.length, 0);
    const filled = count(withValues);
    if (filled > 0) types.push({ type, files: filled, hasValues: true });
    else types.push({ type, files: count(members), hasValues: false });
  }
  const filled = types.filter((one) => one.hasValues);
  const drift = types.length > 1 ? { types } : {};
  const type = filled.reduce<string | undefined>(
    (joined, one, i) => (i === 0 ? one.type : joined === undefined ? undefined : joinTypes(joined, one.type)),
    undefined,
  );
  if (type !== undefined) return { type, ...drift };
  const problem =
    filled.length === 0 ? "NULL in every file that was read" : `${showTypes(filled)}: no type holds them all`;
  return { type: UNKNOWN_TYPE, problem, ...drift };
}

/** Types and how many files have each: `INTEGER in 2 files, DOUBLE in 1 file`. */
export function showTypes(types: readonly TypeInFiles[]): string {
  return types
    .map(({ type, files, hasValues }) => {
      const nulls = hasValues ? "" : " (NULL throughout)";
      return `${type} in ${files} file${files === 1 ? "" : "s"}${nulls}`;
    })
    .join(", ");
}

/** Usually the first file decides, and the other footers need not be read again. */
async function hasValues(
  duckdb: DuckDb,
  group: FileGroup,
  folded: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const column = group.columns.find(({ name }) => foldName(name) === folded);
  const name = column === undefined ? folded : sourceOf(column);
  const first = { ...group, files: group.files.slice(0, 1) };
  const isNull = (each: FileGroup): Promise<boolean> => duckdb.isAllNull(each, name, { signal });
  return !(await isNull(first)) || !(await isNull(group));
}

/** At most `limit` items, evenly spread, including the first and the last. */
function spread<T>(all: readonly T[], limit: number): readonly T[] {
  if (all.length <= limit) return all;
  const step = (all.length - 1) / (limit - 1);
  return Array.from({ length: limit }, (_, i) => all[Math.round(i * step)]).filter(
    (each) => each !== undefined,
  );
}
