import type { QueryColumn } from "../duckdb/views/scan-table.ts";
import { quoteText } from "../statement/quote.ts";
import type { DdlPartition } from "./ddl-partition.ts";

/** Athena asks for each folder that a projection allows, if a query has no condition on the keys. */
const MAX_PROJECTED = 100_000;
const MAX_VALUES = 500;
/** Values that are folder names as they are. A comma would end one in the list of an enumeration. */
const PLAIN_VALUE = /^[\w.~-]+$/;
/** Partitions of one ALTER TABLE. */
const BATCH = 100;

/**
 * Returns the table properties with which Athena computes the partitions from ranges of integers and lists of texts, or
 * undefined where it cannot: for NULL, other types, unusual characters, and far more combinations than partitions.
 */
export function partitionProjection(
  keys: readonly QueryColumn[],
  location: string,
  partitions: readonly DdlPartition[],
): readonly (readonly [string, string])[] | undefined {
  const properties: (readonly [string, string])[] = [["projection.enabled", "true"]];
  let combinations = 1;
  const isSpelled = ({ values, path }: DdlPartition): boolean =>
    path === keys.map(({ name }, level) => `${name}=${values[level]}`).join("/");
  if (!partitions.every(isSpelled)) return undefined;
  for (const [level, { name, type }] of keys.entries()) {
    const values = [...new Set(partitions.map(({ values: own }) => own[level] ?? null))];
    if (!/^\w+$/.test(name) || values.length === 0 || values.some((value) => !PLAIN_VALUE.test(value ?? "")))
      return undefined;
    const column = `projection.${name.toLowerCase()}`;
    if (type === "BIGINT" || type === "INTEGER") {
      const numbers = values.map(Number).sort((a, b) => a - b);
      const [min = 0, max = 0] = [numbers.at(0), numbers.at(-1)];
      if (!numbers.every(Number.isSafeInteger)) return undefined;
      combinations *= max - min + 1;
      properties.push([`${column}.type`, "integer"], [`${column}.range`, `${min},${max}`]);
    } else if (type === "VARCHAR" && values.length <= MAX_VALUES) {
      combinations *= values.length;
      properties.push([`${column}.type`, "enum"], [`${column}.values`, values.sort().join(",")]);
    } else return undefined;
  }
  if (combinations > MAX_PROJECTED || combinations > 20 * partitions.length) return undefined;
  const template = keys.map(({ name }) => `${name}=\${${name.toLowerCase()}}/`).join("");
  return [...properties, ["storage.location.template", `${location}/${template}`]];
}

/** Statements that add the partitions one by one, each with its location: Athena's repair finds only keys in lower case. */
export function addPartitions(
  table: string,
  keys: readonly string[],
  location: string,
  partitions: readonly DdlPartition[],
): string {
  const clauses = partitions.map(({ values, path }) => {
    const pairs = keys.map((key, i) => `${key} = ${quoteText(values[i] ?? "__HIVE_DEFAULT_PARTITION__")}`);
    return `  PARTITION (${pairs.join(", ")}) LOCATION ${quoteText(`${location}/${path}/`)}`;
  });
  const statements: string[] = [];
  for (let i = 0; i < clauses.length; i += BATCH)
    statements.push(`ALTER TABLE ${table} ADD IF NOT EXISTS\n${clauses.slice(i, i + BATCH).join("\n")};\n`);
  return statements.join("");
}
