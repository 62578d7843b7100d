import { walkPartitions } from "@parquetry/core";
import type { DuckDb, FileGroup, QueryColumn } from "../duckdb/duckdb.ts";
import { joinTypes } from "./column-join.ts";
import { declaredType, type Variant, variantsOf } from "./reconcile-columns.ts";
import { storedFiles } from "./stored-files.ts";
import type { DeclaredTable, TableFacts, TableReader } from "./table-facts.ts";

/** The type of a column that has none to tell. */
export const UNKNOWN_TYPE = "UNKNOWN";

/** Files that are looked at: their footers are read in place, or each is fetched or converted. */
const MAX_LOCAL_FILES = 1_000;
const MAX_FETCHED_FILES = 32;

/** A column as {@link describeColumns} tells it. */
export interface DescribedColumn extends QueryColumn {
  /** Why its type is `UNKNOWN`. Absent where it has one. */
  readonly problem?: string | undefined;
}

/** What {@link describeColumns} found. */
export interface ColumnsDescription {
  readonly columns: readonly DescribedColumn[];
  /** How many partitions were looked at, of how many. */
  readonly looked: { readonly partitions: number; readonly of: number };
  /** True where a file of those is CSV. */
  readonly hasCsv: boolean;
}

/**
 * Looks at the footers of files that are spread evenly over an entity, and gives each column the one type that holds the
 * values of all of them, or says that there is none.
 */
export async function describeColumns(
  facts: TableFacts,
  declared: DeclaredTable,
  { engine, source, listing, signal }: TableReader,
): Promise<ColumnsDescription> {
  const { folders } = await walkPartitions(listing.backend, facts.entity, { signal });
  const isCheap =
    source.isLocal && !folders.some(({ files }) => files.some(({ format }) => format === "csv"));
  const limit = isCheap ? MAX_LOCAL_FILES : MAX_FETCHED_FILES;
  const chosen = spread(folders, limit);
  const files = spread(await storedFiles(chosen, source, signal), limit);
  const local = await source.fetch(files, {
    signal,
    count: { fetchedFiles: 0, fetchedBytes: 0, cacheHits: 0 },
    textColumns: Object.keys(declared.columnTypes),
    parts: { mentions: () => false, intervals: new Map() },
  });
  const groups = await engine.groupFiles(local);
  const keys = new Set(facts.keys.map(({ name }) => name.toLowerCase()));
  const names = new Map<string, string>();
  for (const { name } of [...facts.columns, ...groups.flatMap((group) => group.columns)]) {
    const folded = name.toLowerCase();
    if (!names.has(folded) && !keys.has(folded)) names.set(folded, name);
  }
  const columns: DescribedColumn[] = [];
  for (const [folded, name] of names) {
    const given = declaredType(declared.columnTypes, folded);
    columns.push({
      name,
      ...(given === undefined ? await typeOf(engine, folded, groups) : { type: given }),
    });
  }
  return {
    columns,
    looked: { partitions: chosen.length, of: folders.length },
    hasCsv: files.some(({ file }) => file.format === "csv"),
  };
}

async function typeOf(
  engine: DuckDb,
  folded: string,
  groups: readonly FileGroup[],
): Promise<Omit<DescribedColumn, "name">> {
  const filled: Variant[] = [];
  for (const { type, groups: members } of variantsOf(groups, folded)) {
    if (type === "NULL") continue;
    const withValues: FileGroup[] = [];
    for (const group of members) if (await hasValues(engine, group, folded)) withValues.push(group);
    if (withValues.length > 0) filled.push({ type, groups: withValues });
  }
  const type = filled.reduce<string | undefined>(
    (joined, variant, i) =>
      i === 0 ? variant.type : joined === undefined ? undefined : joinTypes(joined, variant.type),
    undefined,
  );
  if (type !== undefined) return { type };
  const found = filled.map((variant) => {
    const count = variant.groups.reduce((sum, group) => sum + group.files.length, 0);
    return `${variant.type} in ${count} file${count === 1 ? "" : "s"}`;
  });
  const problem =
    filled.length === 0
      ? "NULL in every file that was looked at"
      : `${found.join(", ")}: no type holds them all`;
  return { type: UNKNOWN_TYPE, problem };
}

/** Mostly the first file tells, and the other footers need not be read once more. */
async function hasValues(engine: DuckDb, group: FileGroup, folded: string): Promise<boolean> {
  const name = group.columns.find((column) => column.name.toLowerCase() === folded)?.name ?? folded;
  const first = { ...group, files: group.files.slice(0, 1) };
  return !(await engine.isAllNull(first, name)) || !(await engine.isAllNull(group, name));
}

/** At most so many of a list, evenly spread, with the first and the last. */
function spread<T>(all: readonly T[], limit: number): readonly T[] {
  if (all.length <= limit) return all;
  const step = (all.length - 1) / (limit - 1);
  return Array.from({ length: limit }, (_, i) => all[Math.round(i * step)]).filter(
    (each) => each !== undefined,
  );
}
