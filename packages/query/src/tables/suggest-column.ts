import { suggest } from "@parquetry/core/unstable";
import type { CandidateTable } from "../duckdb/views/scan-table.ts";

/** The most names that an error lists. */
const MAX_LISTED = 20;

/** A sentence for the error about an unknown column: the column that was probably meant, or all columns of the query's tables. */
export function suggestColumn(
  column: string,
  tables: readonly Pick<CandidateTable, "columns" | "keys">[],
): string {
  const known = tables.flatMap(({ columns, keys }) => [...keys, ...columns].map(({ name }) => name));
  const meant = suggest(column, known);
  if (meant !== undefined) return ` Did you mean "${meant}"?`;
  const all = [...new Set(known)];
  if (all.length === 0) return "";
  const more = all.length > MAX_LISTED ? `, … (${all.length} in all)` : "";
  return ` Columns are ${all.slice(0, MAX_LISTED).join(", ")}${more}.`;
}
