import { type DescribedColumn, showTypes, type TypeInFiles } from "../tables/describe-columns.ts";
import { type Dialect, engineType } from "./engine-type.ts";

/** How Trino 476 reads a column that has another type in a file than in the table. Found by running it (packages/trino/test/engines). */
type Reading = "exact" | "by statistics" | "not";

const INTEGERS = ["UTINYINT", "TINYINT", "USMALLINT", "SMALLINT", "INTEGER", "BIGINT"];
/** Where a column of these types has only NULLs in a file, Trino reads it as whatever type the table declares. */
const READ_WHERE_EMPTY = [...INTEGERS, "UINTEGER", "UBIGINT"];
const DECIMAL = /^DECIMAL\((\d+),(\d+)\)$/;

/** How Trino reads the values of one type as another one, which holds them all. */
function readingOf(from: string, to: string): Reading {
  if (engineType(from, "trino") === engineType(to, "trino")) return "exact";
  const [, , scale] = DECIMAL.exec(to) ?? [];
  const [, , own] = DECIMAL.exec(from) ?? [];
  if (INTEGERS.includes(from)) {
    if (INTEGERS.includes(to)) return "exact";
    // BIGINT as DECIMAL is refused.
    return to === "DOUBLE" || (scale !== undefined && from !== "BIGINT") ? "by statistics" : "not";
  }
  if (scale !== undefined && own !== undefined) return scale === own ? "exact" : "by statistics";
  return from === "FLOAT" && to === "DOUBLE" ? "by statistics" : "not";
}

/** Whether a session of Trino must ignore the statistics of files to read every row of these columns. */
export function needsNoStatistics(columns: readonly DescribedColumn[]): boolean {
  return columns.some(({ type, types = [] }) =>
    types.some((one) => one.hasValues && readingOf(one.type, type) === "by statistics"),
  );
}

/** The types of a column's files that an engine would read as other values, whatever type is declared. */
export function misreadTypes({ types = [] }: DescribedColumn, dialect: Dialect): readonly TypeInFiles[] {
  return types.filter(({ type, hasValues }) => hasValues && engineType(type, dialect) === undefined);
}

/** Names the declared columns whose type differs between files, and says what to do for an engine. */
export function driftNotes(dialect: Dialect, columns: readonly DescribedColumn[]): readonly string[] {
  return columns.flatMap(({ name, type, types, problem }) =>
    types === undefined || problem !== undefined
      ? []
      : [
          `${JSON.stringify(name)} is declared as ${type}, and is ${showTypes(types)}. ${remedy(dialect, type, types)}`,
        ],
  );
}

function remedy(dialect: Dialect, type: string, types: readonly TypeInFiles[]): string {
  const others = types.filter((one) => one.type !== type);
  if (dialect === "spark") return `Spark 3 may fail on the others: write these files again with ${type}.`;
  if (dialect === "hive")
    return `Athena may fail on the others or leave out their rows: write these files again with ${type}.`;
  const failing = others.filter(
    (one) => readingOf(one.type, type) === "not" && (one.hasValues || !READ_WHERE_EMPTY.includes(one.type)),
  );
  if (failing.length > 0) {
    const names = failing.map((one) => one.type).join(" and ");
    return `Trino may fail on ${names}: write these files again with ${type}.`;
  }
  return needsNoStatistics([{ name: "", type, types }])
    ? "parquetry query --engine trino reads all of it; in other sessions Trino fails or leaves out rows without hive.parquet_ignore_statistics = true."
    : "Trino reads all of it.";
}
