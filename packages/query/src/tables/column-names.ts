import type { FileGroup, QueryColumn } from "../duckdb/views/scan-table.ts";
import { foldName } from "../statement/fold-name.ts";

/** How SQL calls the columns of a table's files. */
export interface ColumnNames {
  /**
   * The name in SQL of a column of a file. Undefined for a column that is called exactly as a partition key: SQL and `readIndex`
   * return the value in the path.
   */
  readonly inSql: (column: string) => string | undefined;
  /** The name in the files, up to its case, of a column in SQL. Undefined for a partition key. */
  readonly inFiles: (name: string) => string | undefined;
}

/**
 * Names the columns of a table's files. Each keeps its name, unless it differs from a partition key only in the case of ASCII
 * letters, which SQL ignores: beside the key `year`, a column `Year` is `Year_1`, or has the next number that no key and no column
 * of the reference files has. The names do not depend on the files that a query reads.
 *
 * @param columns the columns of the reference files.
 */
export function columnNames(
  keys: readonly Pick<QueryColumn, "name">[],
  columns: readonly Pick<QueryColumn, "name">[],
): ColumnNames {
  const exact = new Set(keys.map(({ name }) => name));
  const taken = new Set([...keys, ...columns].map(({ name }) => foldName(name)));
  const suffixes = new Map<string, string>();
  const sources = new Map<string, string>();
  for (const { name } of keys) {
    const folded = foldName(name);
    let number = 1;
    while (taken.has(`${folded}_${number}`)) number++;
    taken.add(`${folded}_${number}`);
    suffixes.set(folded, `_${number}`);
    sources.set(`${folded}_${number}`, folded);
  }
  return {
    inSql: (column) => (exact.has(column) ? undefined : column + (suffixes.get(foldName(column)) ?? "")),
    inFiles: (name) => {
      const folded = foldName(name);
      return sources.get(folded) ?? (suffixes.has(folded) ? undefined : folded);
    },
  };
}

/** Groups of files whose columns have their names in SQL. */
export function nameColumns(groups: readonly FileGroup[], inSql: ColumnNames["inSql"]): readonly FileGroup[] {
  return groups.map((group) => ({
    ...group,
    columns: group.columns.flatMap((column) => {
      const name = inSql(column.name);
      if (name === undefined) return [];
      return name === column.name ? [column] : [{ ...column, name, source: column.name }];
    }),
  }));
}

/** Declared types by the names that the columns have in the files. */
export function typesInFiles(
  declared: Readonly<Record<string, string>>,
  inFiles: ColumnNames["inFiles"],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(declared).flatMap(([name, type]) => {
      const column = inFiles(name);
      return column === undefined ? [] : [[column, type]];
    }),
  );
}
