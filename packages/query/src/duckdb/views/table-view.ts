import { mapYielding } from "../../files/map-yielding.ts";
import type { ScanFile } from "../../files/scan-file.ts";
import { foldName } from "../../statement/fold-name.ts";
import { quoteName } from "../../statement/quote.ts";
import { comparesComposed, composedKey } from "./composed-keys.ts";
import type { CandidateTable, FileColumn, FileGroup, QueryColumn, ScanTable } from "./scan-table.ts";
import { hiveColumn, type Scratch } from "./scratch.ts";

/** The column of a {@link KeyTable} that contains the file. */
export const FILE_COLUMN = "parquetry_file";
/** Integer types that DOUBLE cannot hold exactly in full. */
const WIDE_INTEGERS: ReadonlySet<string> = new Set(["BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT"]);
/** Types that can hold NaN, at any depth. */
const FLOATING = /\b(?:FLOAT|DOUBLE)\b/;
/** Every whole number up to this one is a DOUBLE. */
const EXACT_IN_DOUBLE = "9007199254740992";

/** A table as a view: its SELECT, and the lists of files that the SELECT reads from variables of the connection. */
export interface TableView {
  /** The names of the view. */
  readonly names: readonly string[];
  readonly select: string;
  /** The files, by variable. */
  readonly files: ReadonlyMap<string, readonly string[]>;
  /** Tables that the SELECT joins: the partitions of files whose paths cannot carry them. */
  readonly keyTables?: readonly KeyTable[] | undefined;
}

/** A table of files and their partition keys. */
export interface KeyTable {
  readonly name: string;
  /** Its columns without the file: {@link hiveColumn} names and types. */
  readonly columns: readonly QueryColumn[];
  /** For each file, its path and the values of the keys. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/** The view of a table in execution: one scan for each group of files, each converted to the table's columns. */
export async function scanView(
  table: ScanTable,
  scratch: Scratch,
  index: number,
  sql = "",
): Promise<TableView> {
  const files = new Map<string, readonly string[]>();
  const scans: string[] = [];
  const keyTables: KeyTable[] = [];
  const composed = comparesComposed(sql, entriesOf(table));
  for (const [i, group] of table.groups.entries()) {
    const [first] = group.files;
    if (first === undefined) continue;
    const variable = `parquetry_files_${index}_${i}`;
    const isPlain = first.kind === "remote" || hasColumnLikeKey(table, group, scratch);
    const names = isPlain ? [] : table.keys.map(({ name }) => name);
    const paths = await mapYielding(group.files, ({ kind, entries, path, version }) =>
      kind === "remote"
        ? path
        : scratch.hivePath(
            names,
            entries.filter(([key]) => names.includes(key)),
            path,
            version,
          ),
    );
    files.set(variable, paths);
    const keyTable = isPlain ? keyTableOf(table, group, paths, `parquetry_keys_${index}_${i}`) : undefined;
    if (keyTable !== undefined) keyTables.push(keyTable);
    scans.push(groupSelect(table, group, variable, isPlain ? { keyTable } : undefined, composed));
  }
  const select =
    scans.length > 0 ? scans.join(" UNION ALL ") : emptySelect([...table.columns, ...table.keys]);
  return { names: table.names, select, files, keyTables };
}

function* entriesOf({ groups }: ScanTable): Generator<ScanFile["entries"]> {
  for (const { files } of groups) for (const { entries } of files) yield entries;
}

/** Where a file lies in `year=2024`, DuckDB would read that value for its column `Year`. */
function hasColumnLikeKey({ columns }: ScanTable, group: FileGroup, { ownKeys }: Scratch): boolean {
  const names = [...(group.files[0]?.entries.map(([key]) => key) ?? []), ...ownKeys];
  const keys = new Set(names.map(foldName));
  const wanted = new Set(columns.map(({ name }) => foldName(name)));
  return group.columns.some(
    ({ name, source = name }) => wanted.has(foldName(name)) && keys.has(foldName(source)),
  );
}

/** The partitions of files whose paths do not carry them. A URL cannot: httpfs requests exactly that URL. */
function keyTableOf(
  table: ScanTable,
  { files }: FileGroup,
  paths: readonly string[],
  name: string,
): KeyTable | undefined {
  const here = new Set(files[0]?.entries.map(([key]) => key));
  const keys = table.keys.flatMap((key, i) => (here.has(key.name) ? [{ key, column: hiveColumn(i) }] : []));
  if (keys.length === 0) return undefined;
  return {
    name,
    columns: keys.map(({ key: { type }, column }) => ({ name: column, type })),
    rows: files.map(({ entries }, i) => {
      const values = new Map(entries);
      return [paths[i] ?? "", ...keys.map(({ key }) => values.get(key.name) ?? null)];
    }),
  };
}

/** A SELECT of no rows with these columns. */
export function emptySelect(columns: readonly QueryColumn[]): string {
  const nulls = columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteName(name)}`);
  return `SELECT ${nulls.length > 0 ? nulls.join(", ") : "NULL AS nothing"} WHERE false`;
}

function groupSelect(
  table: ScanTable,
  group: FileGroup,
  variable: string,
  plain: { readonly keyTable: KeyTable | undefined } | undefined,
  composed: boolean,
): string {
  const keysHere = new Set(group.files[0]?.entries.map(([key]) => key));
  const own = new Map(group.columns.map((column) => [foldName(column.name), column]));
  const columns = table.columns.map((wanted) => {
    const column = own.get(foldName(wanted.name));
    const value = column === undefined ? `CAST(NULL AS ${wanted.type})` : converted(column, wanted.type);
    return `${value} AS ${quoteName(wanted.name)}`;
  });
  const keys = table.keys.map(({ name, type }, i) =>
    keysHere.has(name)
      ? `${composedKey(keyValue(type, i), type, composed)} AS ${quoteName(name)}`
      : `CAST(NULL AS ${type}) AS ${quoteName(name)}`,
  );
  const pinned = plain === undefined ? table.keys.filter(({ name }) => keysHere.has(name)) : [];
  const source =
    plain?.keyTable === undefined
      ? readParquet(variable, table.keys, pinned)
      : `read_parquet(getvariable('${variable}'), hive_partitioning = false, filename = '${FILE_COLUMN}') JOIN ${plain.keyTable.name} USING (${FILE_COLUMN})`;
  return `SELECT ${[...columns, ...keys].join(", ") || "1 AS one"} FROM ${source}`;
}

/** The view of a table while its partitions are chosen: zero-row files in place of the candidates. */
export function candidateView(
  table: CandidateTable,
  hiveKeys: readonly QueryColumn[],
  paths: readonly string[],
  index: number,
  sql: string,
): TableView {
  const composed = comparesComposed(sql, table.candidates ?? []);
  const columns = table.columns.map(
    ({ name, type }) => `CAST(${quoteName(name)} AS ${type}) AS ${quoteName(name)}`,
  );
  const keys = table.keys.map(
    ({ name, type }, i) => `${composedKey(keyValue(type, i), type, composed)} AS ${quoteName(name)}`,
  );
  const variable = `parquetry_files_${index}`;
  const select = `SELECT ${[...columns, ...keys].join(", ") || "1 AS one"} FROM ${readParquet(variable, table.keys, hiveKeys)}`;
  return { names: table.names, select, files: new Map([[variable, paths]]) };
}

/** DuckDB takes a type of one word, and would turn an invalid TIMESTAMPTZ into NULL. Other types are cast from the text. */
const isHiveType = (type: string): boolean => /^\w+$/.test(type);

const keyValue = (type: string, index: number): string =>
  isHiveType(type) ? hiveColumn(index) : `CAST(${hiveColumn(index)} AS ${type})`;

function readParquet(
  variable: string,
  keys: readonly QueryColumn[],
  hiveKeys: readonly QueryColumn[],
): string {
  const types = hiveKeys.map(({ name, type }) => {
    const index = keys.findIndex((key) => key.name === name);
    return `${hiveColumn(index)}: ${isHiveType(type) ? type : "VARCHAR"}`;
  });
  const hive =
    types.length > 0
      ? `hive_partitioning = true, hive_types = {${types.join(", ")}}`
      : "hive_partitioning = false";
  return `read_parquet(getvariable('${variable}'), ${hive})`;
}

/**
 * A cast never changes a number silently: a number that DOUBLE cannot hold fails the query. TRY returns its column unchanged and
 * has no statistics. DuckDB 1.5 trusts the least and greatest value in a footer, which leave NaN out, and would lose rows with NaN
 * (docs/decisions/0021).
 */
function converted({ name, type, source = name }: FileColumn, wanted: string): string {
  const column = FLOATING.test(type) ? `TRY(${quoteName(source)})` : quoteName(source);
  if (type === wanted) return column;
  if (wanted === "DOUBLE" && WIDE_INTEGERS.has(type)) {
    const message = `'the column ${name.replaceAll("'", "''")} is ${type} in some files and DOUBLE in others, which cannot hold ' || CAST(${column} AS VARCHAR) || ' exactly: set its type with the option columnTypes'`;
    return `CASE WHEN ${column} BETWEEN -${EXACT_IN_DOUBLE} AND ${EXACT_IN_DOUBLE} OR ${column} IS NULL THEN CAST(${column} AS DOUBLE) ELSE error(${message}) END`;
  }
  return `CAST(${column} AS ${wanted})`;
}
