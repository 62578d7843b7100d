import { StorageError } from "@parquetry/core";
import { checkArgument, oneOf } from "@parquetry/core/unstable";
import type { TableDescription } from "../database/sql-engine.ts";
import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import { quoteName, quoteText } from "../statement/quote.ts";
import { describeNotes, TABLE_DESCRIPTION } from "../tables/describe-columns.ts";

/** An engine that {@link generateDdl} supports. */
export type DdlEngine = "trino" | "athena" | "spark" | "duckdb";

type Dialect = "trino" | "hive" | "spark";

/** Names of types in other engines, by DuckDB's name. An unsigned type becomes the next larger signed one. */
const TYPES: Readonly<Record<string, Readonly<Record<Dialect, string>>>> = {
  BOOLEAN: { trino: "boolean", hive: "boolean", spark: "BOOLEAN" },
  TINYINT: { trino: "tinyint", hive: "tinyint", spark: "TINYINT" },
  SMALLINT: { trino: "smallint", hive: "smallint", spark: "SMALLINT" },
  INTEGER: { trino: "integer", hive: "int", spark: "INT" },
  BIGINT: { trino: "bigint", hive: "bigint", spark: "BIGINT" },
  UTINYINT: { trino: "smallint", hive: "smallint", spark: "SMALLINT" },
  USMALLINT: { trino: "integer", hive: "int", spark: "INT" },
  UINTEGER: { trino: "bigint", hive: "bigint", spark: "BIGINT" },
  FLOAT: { trino: "real", hive: "float", spark: "FLOAT" },
  DOUBLE: { trino: "double", hive: "double", spark: "DOUBLE" },
  VARCHAR: { trino: "varchar", hive: "string", spark: "STRING" },
  JSON: { trino: "varchar", hive: "string", spark: "STRING" },
  BLOB: { trino: "varbinary", hive: "binary", spark: "BINARY" },
  DATE: { trino: "date", hive: "date", spark: "DATE" },
  TIMESTAMP: { trino: "timestamp(6)", hive: "timestamp", spark: "TIMESTAMP_NTZ" },
  "TIMESTAMP WITH TIME ZONE": { trino: "timestamp(6)", hive: "timestamp", spark: "TIMESTAMP" },
};

/**
 * Writes the statements that make a Parquet entity a table of another engine, in place, and find its partitions. A column of unknown
 * type is left out, and so is one that differs from a partition key only in case; a comment says why.
 *
 * @param location the URL of the entity: `s3://bucket/raw/plays`.
 * @throws StorageError `not_supported` naming the columns whose types the engine does not have; for an entity with CSV files; for
 * Athena and a location outside S3.
 */
export function generateDdl(engine: DdlEngine, table: TableDescription, location: string): string {
  checkArgument(engine, oneOf("trino", "athena", "spark", "duckdb"), "engine", "generateDdl");
  checkArgument(table, TABLE_DESCRIPTION, "table", "generateDdl");
  checkArgument(location, "string", "location", "generateDdl");
  if (table.hasCsv) {
    const { entity } = table;
    throw refused(`${entity} contains CSV, and these statements are for Parquet. Write it as Parquet first.`);
  }
  if (engine === "athena" && !location.startsWith("s3://"))
    throw refused(`Athena reads S3 only, but ${table.entity} is at ${location}. Migrate it to S3 first.`);
  const typed = table.columns.filter(({ problem, source }) => problem === undefined && source === undefined);
  const comments = [...describeNotes(table), ...hiddenNotes(table)].map((note) => `-- ${note}\n`);
  return `${comments.join("")}${statements(engine, { ...table, columns: typed }, location)}`;
}

/** These engines ignore the case of names, and read the key where a column differs from it only in case. */
function hiddenNotes({ columns }: TableDescription): readonly string[] {
  return columns.flatMap(({ source }) =>
    source === undefined
      ? []
      : [`${JSON.stringify(source)} is left out: it differs from a partition key only in case.`],
  );
}

function statements(engine: DdlEngine, table: TableDescription, location: string): string {
  const name = table.entity.slice(table.entity.lastIndexOf("/") + 1);
  const place = location.replace(/\/$/, "");
  switch (engine) {
    case "trino":
      return trino(table, name, place);
    case "athena":
      return athena(table, name, place);
    case "spark":
      return spark(table, name, place);
    case "duckdb":
      return duckDb(table, name, place);
  }
}

function trino({ columns, keys }: TableDescription, name: string, location: string): string {
  const all = columnLines([...columns, ...keys], "trino", quoteName);
  const partitioned =
    keys.length === 0
      ? ""
      : `,\n  partitioned_by = ARRAY[${keys.map((key) => quoteText(key.name)).join(", ")}]`;
  const create = `CREATE TABLE hive.default.${quoteName(name)} (\n${all}\n) WITH (\n  external_location = ${quoteText(`${location}/`)},\n  format = 'PARQUET'${partitioned}\n);\n`;
  return keys.length === 0
    ? create
    : `${create}CALL hive.system.sync_partition_metadata('default', ${quoteText(name)}, 'FULL');\n`;
}

function athena({ columns, keys }: TableDescription, name: string, location: string): string {
  const partitioned =
    keys.length === 0 ? "" : `PARTITIONED BY (\n${columnLines(keys, "hive", quoteTicks)}\n)\n`;
  const create = `CREATE EXTERNAL TABLE ${quoteTicks(name)} (\n${columnLines(columns, "hive", quoteTicks)}\n)\n${partitioned}STORED AS PARQUET\nLOCATION ${quoteText(`${location}/`)};\n`;
  return keys.length === 0 ? create : `${create}MSCK REPAIR TABLE ${quoteTicks(name)};\n`;
}

function spark({ columns, keys }: TableDescription, name: string, location: string): string {
  const all = columnLines([...columns, ...keys], "spark", quoteTicks);
  const by = keys.map((key) => quoteTicks(key.name)).join(", ");
  const partitioned = keys.length === 0 ? "" : `PARTITIONED BY (${by})\n`;
  // A backslash in a Spark string starts an escape.
  const place = quoteText(location.replace(/^s3:/, "s3a:").replaceAll("\\", "\\\\"));
  const create = `CREATE TABLE ${quoteTicks(name)} (\n${all}\n)\nUSING PARQUET\n${partitioned}LOCATION ${place};\n`;
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
  const unknown = columns.filter(({ type }) => typeName(type, dialect) === undefined);
  if (unknown.length > 0) {
    const named = unknown.map(({ name, type }) => `${name} ${type}`).join(", ");
    throw refused(
      `the engine has no type for ${named}. Write these columns in another type, or declare them by hand.`,
    );
  }
  return columns.map(({ name, type }) => `  ${quote(name)} ${typeName(type, dialect)}`).join(",\n");
}

function refused(problem: string): StorageError {
  return new StorageError({ code: "not_supported", op: "ddl", message: `ddl: ${problem}` });
}

function typeName(type: string, dialect: Dialect): string | undefined {
  if (type.endsWith("[]")) {
    const element = typeName(type.slice(0, -2), dialect);
    if (element === undefined) return undefined;
    return dialect === "trino" ? `array(${element})` : `array<${element}>`;
  }
  return /^DECIMAL\(\d+,\d+\)$/.test(type) ? type.toLowerCase() : TYPES[type]?.[dialect];
}

function quoteTicks(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}
