import type { QueryDatabase } from "@parquetry/query";
import type { PartitionCounts } from "../answers.ts";
import type { TableSummary } from "./table-tree.ts";

/** Counts rows by partition. DuckDB reads the footers of the files, and the column if one is named. */
export async function countByPartition(
  database: QueryDatabase,
  { entity, keys }: TableSummary,
  column: string | undefined,
  options: { readonly signal: AbortSignal },
): Promise<PartitionCounts> {
  const quoted = keys.map((key) => quote(key));
  const select = [
    ...quoted.map((key, i) => `CAST(${key} AS VARCHAR) AS k${i}`),
    "count(*) AS n",
    ...(column === undefined ? [] : [`count(*) - count(${quote(column)}) AS nulls`]),
  ];
  const by = quoted.length === 0 ? "" : ` GROUP BY ${quoted.join(", ")}`;
  const sql = `SELECT ${select.join(", ")} FROM ${quote(entity)}${by}`;
  const { data } = await database.columns(sql, undefined, options);
  const numbers = (name: string): number[] => (data[name] ?? []).map(Number);
  const rows = numbers("n");
  return {
    values: rows.map((_, row) => keys.map((_key, i) => data[`k${i}`]?.[row])),
    rows,
    nulls: column === undefined ? undefined : numbers("nulls"),
  };
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
