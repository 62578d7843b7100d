import { StorageError } from "@parquetry/core";
import { checkArgument, checkOptions, type OptionKinds, oneOf } from "@parquetry/core/unstable";
import type { TableDescription } from "../database/sql-engine.ts";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import { quoteName, quoteText } from "../statement/quote.ts";
import {
  type DescribedColumn,
  describeNotes,
  showTypes,
  TABLE_DESCRIPTION,
} from "../tables/describe-columns.ts";
import { addPartitions, partitionProjection } from "./athena-partitions.ts";
import { type DdlPartition, isMisreadByHive } from "./ddl-partition.ts";
import { type Dialect, engineType } from "./engine-type.ts";
import { driftNotes, misreadTypes, needsNoStatistics } from "./type-drift.ts";

/** An engine that {@link generateDdl} supports. */
export type DdlEngine = "trino" | "athena" | "spark" | "duckdb";

/** How an engine other than DuckDB spells types. */
const DIALECTS = { trino: "trino", athena: "hive", spark: "spark" } as const;

const ENGINE_NAMES: Readonly<Record<DdlEngine, string>> = {
  trino: "Trino",
  athena: "Athena",
  spark: "Spark",
  duckdb: "DuckDB",
};

/** How many folders an error names. */
const MAX_NAMED = 10;

/** Options of {@link generateDdl}. */
export interface DdlOptions {
  /**
   * The table's partitions. They are needed for Athena's partition projection, and to refuse folder names that an engine reads as
   * other values. Default: unknown.
   */
  readonly partitions?: readonly DdlPartition[] | undefined;
}

const DDL_OPTIONS: OptionKinds<DdlOptions> = { partitions: "array" };

/**
 * Writes the statements that make a Parquet entity a table of another engine, in place, and find its partitions. Each ends with
 * `;` at the end of a line. A column of unknown type is left out, and so is one that differs from a partition key only in case; a
 * comment says why. Further comments name the columns whose type differs between files, and what to do about them.
 *
 * @param location the URL of the entity: `s3://bucket/raw/plays`, or an absolute path.
 * @throws StorageError `not_supported` naming the columns whose names or types the engine does not have; the folders whose names it
 * reads as other values; for an entity with CSV files, or without a column of known type; for Athena and a location outside S3.
 * @example
 * ```ts
 * generateDdl("trino", await db.describe("plays"), "s3://football/raw/plays");
 * ```
 */
export function generateDdl(
  engine: DdlEngine,
  table: TableDescription,
  location: string,
  options: DdlOptions = {},
): string {
  checkArgument(engine, oneOf("trino", "athena", "spark", "duckdb"), "engine", "generateDdl");
  checkArgument(table, TABLE_DESCRIPTION, "table", "generateDdl");
  checkArgument(location, "string", "location", "generateDdl");
  checkOptions(options, DDL_OPTIONS, "generateDdl");
  const { partitions } = options;
  const place = location.replace(/\/$/, "");
  const typed = declaredColumns(engine, table);
  if (engine === "athena" && !location.startsWith("s3://"))
    throw refused(`Athena reads S3 only, but ${table.entity} is at ${location}. Migrate it to S3 first.`);
  const misread = engine === "trino" || engine === "spark" ? (partitions ?? []).filter(isMisreadByHive) : [];
  if (misread.length > 0) {
    const cure =
      engine === "trino"
        ? "Run parquetry register instead, which gives each value."
        : "Write these partitions again.";
    throw refused(
      `${ENGINE_NAMES[engine]} reads other values from the folders ${named(misread.map(({ path }) => path))}: it does not decode UTF-8 that another writer escaped. ${cure}`,
    );
  }
  const comments = declarationNotes(engine, table).map((note) => `-- ${note}\n`);
  return `${comments.join("")}${statements(engine, { ...table, columns: typed }, place, partitions)}`;
}

/** Says which columns a declaration leaves out, and which have other types in some files. */
export function declarationNotes(engine: DdlEngine, table: TableDescription): readonly string[] {
  // A view of DuckDB declares no types.
  const drift = engine === "duckdb" ? [] : driftNotes(DIALECTS[engine], declarable(table));
  return [...describeNotes(table), ...hiddenNotes(table), ...drift];
}

/** The columns of a known type whose name no partition key has. */
function declarable({ columns }: TableDescription): readonly DescribedColumn[] {
  return columns.filter(({ problem, source }) => problem === undefined && source === undefined);
}

/**
 * Returns the columns that an engine's table can have.
 *
 * @throws StorageError `not_supported`, as {@link generateDdl}.
 */
function declaredColumns(engine: DdlEngine, table: TableDescription): readonly DescribedColumn[] {
  const { entity, keys } = table;
  if (table.hasCsv)
    throw refused(`${entity} contains CSV, and these statements are for Parquet. Write it as Parquet first.`);
  const typed = declarable(table);
  if (engine === "duckdb") return typed;
  if (typed.length === 0) {
    const left = table.columns.map(
      ({ name, problem }) => `${name}${problem === undefined ? "" : ` (${problem})`}`,
    );
    throw refused(
      `no column of ${entity} is left to declare: ${left.join("; ") || "it has none"}. Write one of them with one type.`,
    );
  }
  const commas = [...typed, ...keys].filter(({ name }) => name.includes(","));
  if (engine !== "spark" && commas.length > 0) {
    const names = commas.map(({ name }) => JSON.stringify(name)).join(", ");
    throw refused(`${ENGINE_NAMES[engine]} has no columns with a comma in the name: ${names}. Rename them.`);
  }
  const misread = typed.flatMap((column) => {
    const types = misreadTypes(column, DIALECTS[engine]);
    return types.length === 0 ? [] : [`${column.name} (${showTypes(types)})`];
  });
  if (misread.length > 0)
    throw refused(
      `${ENGINE_NAMES[engine]} would read other values from files of ${entity}, whatever type is declared: ${misread.join("; ")}. Write these files again with the type of the others.`,
    );
  return typed;
}

/** The first names of a list. */
function named(names: readonly string[]): string {
  const more = names.length - MAX_NAMED;
  return `${names.slice(0, MAX_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** These engines ignore the case of names, and read the key where a column differs from it only in case. */
function hiddenNotes({ columns }: TableDescription): readonly string[] {
  return columns.flatMap(({ source }) =>
    source === undefined
      ? []
      : [`${JSON.stringify(source)} is left out: it differs from a partition key only in case.`],
  );
}

function statements(
  engine: DdlEngine,
  table: TableDescription,
  location: string,
  partitions: readonly DdlPartition[] | undefined,
): string {
  const name = tableName(table.entity);
  // Others are refused.
  const word = name.replaceAll(/[^A-Za-z0-9_]/g, "_");
  const note =
    word === name ? "" : `-- The names of ${ENGINE_NAMES[engine]}'s tables have letters, digits and _\n`;
  switch (engine) {
    case "trino":
      return trino(table, name, location);
    case "athena":
      return `${note}${athena(table, word, location, partitions)}`;
    case "spark":
      return `${note}${spark(table, word, location)}`;
    case "duckdb":
      return duckDb(table, name, location);
  }
}

/** The name of an entity's table in other engines: its last segment. */
function tableName(entity: string): string {
  return entity.slice(entity.lastIndexOf("/") + 1);
}

function trino(table: TableDescription, name: string, location: string): string {
  const { columns, keys } = table;
  const place = trinoLocation(location);
  const notes = place.startsWith("local://")
    ? "-- The catalog must have fs.native-local.enabled=true and local.location=/\n"
    : "";
  // The default is MILLISECONDS, with which Trino refuses timestamp(6) and would drop digits.
  const precision = [...columns, ...keys].some(({ type }) => type.includes("TIMESTAMP"))
    ? "-- Sessions that read the table need this, too, unless the catalog has hive.timestamp-precision=MICROSECONDS\nSET SESSION hive.timestamp_precision = 'MICROSECONDS';\n"
    : "";
  const statistics = needsNoStatistics(columns)
    ? "-- Sessions that read the table need this, too, unless the catalog has parquet.ignore-statistics=true\nSET SESSION hive.parquet_ignore_statistics = true;\n"
    : "";
  const create = `${notes}${precision}${statistics}${trinoTable(table, location, `hive.default.${quoteName(name)}`)};\n`;
  if (keys.length === 0) return create;
  // FULL would drop and add a partition whose folder is not spelled as Hive does in one transaction, and rename the folder.
  const sync = (mode: string): string =>
    `CALL hive.system.sync_partition_metadata('default', ${quoteText(name.toLowerCase())}, '${mode}', false);\n`;
  return `${create}-- Run these two again after partitions were added or removed\n${sync("DROP")}${sync("ADD")}`;
}

/**
 * Writes Trino's CREATE TABLE, without a `;`.
 *
 * @throws StorageError `not_supported`, as {@link generateDdl}.
 */
export function trinoTable(table: TableDescription, location: string, qualifiedName: string): string {
  const { keys } = table;
  const all = columnLines([...declaredColumns("trino", table), ...keys], "trino", quoteName);
  const names = keys.map((key) => quoteText(key.name)).join(", ");
  const partitioned = keys.length === 0 ? "" : `,\n  partitioned_by = ARRAY[${names}]`;
  const place = quoteText(`${trinoLocation(location)}/`);
  return `CREATE TABLE ${qualifiedName} (\n${all}\n) WITH (\n  external_location = ${place},\n  format = 'PARQUET'${partitioned}\n)`;
}

/** A location as Trino's file systems call it: an absolute path is `local://` with `local.location=/`. */
export function trinoLocation(location: string): string {
  const place = location.replace(/\/$/, "");
  if (/^[a-z][a-z0-9]+:\/\//.test(place)) return place.replace(/^r2:/, "s3:");
  if (place.startsWith("/")) return `local://${place}`;
  throw refused(`Trino has no name for the path ${location}. Migrate the table to S3 first.`);
}

function athena(
  { columns, keys }: TableDescription,
  name: string,
  location: string,
  partitions: readonly DdlPartition[] | undefined,
): string {
  const partitioned =
    keys.length === 0 ? "" : `PARTITIONED BY (\n${columnLines(keys, "hive", quoteTicks)}\n)\n`;
  const projection =
    keys.length === 0 || partitions === undefined
      ? undefined
      : partitionProjection(keys, location, partitions);
  const properties =
    projection === undefined
      ? ""
      : `\nTBLPROPERTIES (\n${projection.map(([key, value]) => `  ${quoteText(key)} = ${quoteText(value)}`).join(",\n")}\n)`;
  const note =
    projection === undefined
      ? ""
      : "-- Athena computes the partitions from these ranges and lists: extend them for new values\n";
  const create = `${note}CREATE EXTERNAL TABLE ${quoteTicks(name)} (\n${columnLines(columns, "hive", quoteTicks)}\n)\n${partitioned}STORED AS PARQUET\nLOCATION ${quoteText(`${location}/`)}${properties};\n`;
  if (keys.length === 0 || projection !== undefined) return create;
  const names = keys.map((key) => quoteTicks(key.name));
  return partitions === undefined
    ? `${create}MSCK REPAIR TABLE ${quoteTicks(name)};\n`
    : `${create}${addPartitions(quoteTicks(name), names, location, partitions)}`;
}

function spark({ columns, keys }: TableDescription, name: string, location: string): string {
  const all = columnLines([...columns, ...keys], "spark", quoteTicks);
  const by = keys.map((key) => quoteTicks(key.name)).join(", ");
  const partitioned = keys.length === 0 ? "" : `PARTITIONED BY (${by})\n`;
  // Spark 3 refuses dates and times before 1900 of files that do not say which calendar they have.
  const hasTimes = columns.some(({ type }) => /DATE|TIMESTAMP/.test(type));
  const options = hasTimes ? "OPTIONS ('datetimeRebaseMode' 'CORRECTED')\n" : "";
  // A backslash in a Spark string starts an escape, and a quote is not doubled.
  const path = location.replace(/^(?:s3|r2):/, "s3a:").replace(/[\\']/g, "\\$&");
  const create = `CREATE TABLE ${quoteTicks(name)} (\n${all}\n)\nUSING PARQUET\n${options}${partitioned}LOCATION '${path}';\n`;
  return keys.length === 0 ? create : `${create}MSCK REPAIR TABLE ${quoteTicks(name)};\n`;
}

function duckDb({ keys }: TableDescription, name: string, location: string): string {
  // hive_types takes types of one word.
  const cast = keys.filter(({ type }) => !/^\w+$/.test(type));
  const types = keys
    .map((key) => `${quoteName(key.name)}: ${cast.includes(key) ? "VARCHAR" : key.type}`)
    .join(", ");
  const replaced = cast
    .map((key) => `CAST(${quoteName(key.name)} AS ${key.type}) AS ${quoteName(key.name)}`)
    .join(", ");
  const select = cast.length === 0 ? "" : `SELECT * REPLACE (${replaced}) `;
  const hive =
    keys.length === 0 ? "hive_partitioning = false" : `hive_partitioning = true,\n  hive_types = {${types}}`;
  return `CREATE VIEW ${quoteName(name)} AS ${select}FROM read_parquet(\n  ${quoteText(`${location}/**/*.parquet`)},\n  ${hive},\n  union_by_name = true\n);\n`;
}

function columnLines(
  columns: readonly QueryColumn[],
  dialect: Dialect,
  quote: (name: string) => string,
): string {
  const unknown = columns.filter(({ type }) => engineType(type, dialect) === undefined);
  if (unknown.length > 0) {
    const names = unknown.map(({ name, type }) => `${name} ${type}`).join(", ");
    throw refused(
      `the engine has no type for ${names}. Write these columns in another type, or declare them by hand.`,
    );
  }
  return columns.map(({ name, type }) => `  ${quote(name)} ${engineType(type, dialect)}`).join(",\n");
}

function refused(problem: string): StorageError {
  return new StorageError({ code: "not_supported", op: "ddl", message: `ddl: ${problem}` });
}

function quoteTicks(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
