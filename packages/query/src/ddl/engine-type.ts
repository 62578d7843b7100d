/** How an engine spells types. Athena has Hive's types. */
export type Dialect = "trino" | "hive" | "spark";

/**
 * Names of types in other engines, by DuckDB's name. An unsigned type becomes the next larger signed one. Trino reads a UINTEGER
 * of 2^31 or more as a negative number, and Athena has the same reader, so neither has a name for it.
 */
const TYPES: Readonly<Record<string, Readonly<Partial<Record<Dialect, string>>>>> = {
  BOOLEAN: { trino: "boolean", hive: "boolean", spark: "BOOLEAN" },
  TINYINT: { trino: "tinyint", hive: "tinyint", spark: "TINYINT" },
  SMALLINT: { trino: "smallint", hive: "smallint", spark: "SMALLINT" },
  INTEGER: { trino: "integer", hive: "int", spark: "INT" },
  BIGINT: { trino: "bigint", hive: "bigint", spark: "BIGINT" },
  UTINYINT: { trino: "smallint", hive: "smallint", spark: "SMALLINT" },
  USMALLINT: { trino: "integer", hive: "int", spark: "INT" },
  UINTEGER: { spark: "BIGINT" },
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
 * Returns another engine's name of a DuckDB type, or undefined if it has none.
 *
 * @example
 * ```ts
 * engineType('STRUCT("name" VARCHAR, since BIGINT)[]', "trino"); // array(row("name" varchar, "since" bigint))
 * ```
 */
export function engineType(type: string, dialect: Dialect): string | undefined {
  const list = /^(.+)\[\d*\]$/s.exec(type);
  if (list !== null) return generic("array", [engineType(list[1] ?? "", dialect)], dialect);
  const map = /^MAP\((.+)\)$/s.exec(type);
  if (map !== null) {
    const parts = splitTopLevel(map[1] ?? "").map((part) => engineType(part, dialect));
    return generic("map", parts, dialect);
  }
  const struct = /^STRUCT\((.+)\)$/s.exec(type);
  if (struct !== null) return structType(splitTopLevel(struct[1] ?? ""), dialect);
  return /^DECIMAL\(\d+,\d+\)$/.test(type) ? type.toLowerCase() : TYPES[type]?.[dialect];
}

function generic(name: string, parts: readonly (string | undefined)[], dialect: Dialect): string | undefined {
  if (parts.includes(undefined)) return undefined;
  return dialect === "trino" ? `${name}(${parts.join(", ")})` : `${name}<${parts.join(", ")}>`;
}

function structType(fields: readonly string[], dialect: Dialect): string | undefined {
  const written: string[] = [];
  for (const field of fields) {
    const [, quoted, bare, type = ""] = /^(?:"((?:[^"]|"")*)"|(\S+)) (.+)$/s.exec(field) ?? [];
    const name = quoted?.replaceAll('""', '"') ?? bare ?? "";
    const own = engineType(type, dialect);
    // Hive keeps the fields in the text of the type, without quotes.
    if (own === undefined || (dialect !== "spark" && !/^\w+$/.test(name))) return undefined;
    if (dialect === "trino") written.push(`"${name}" ${own}`);
    else written.push(dialect === "hive" ? `${name}:${own}` : `\`${name.replaceAll("`", "``")}\`: ${own}`);
  }
  return dialect === "trino" ? `row(${written.join(", ")})` : `struct<${written.join(", ")}>`;
}

/** Splits at the commas that are outside quotes and parentheses. */
function splitTopLevel(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { 0: token, index } of text.matchAll(/"(?:[^"]|"")*"|[(),]/g)) {
    if (token === "(") depth++;
    else if (token === ")") depth--;
    else if (token === "," && depth === 0) {
      parts.push(text.slice(start, index).trim());
      start = index + 1;
    }
  }
  return [...parts, text.slice(start).trim()];
}
