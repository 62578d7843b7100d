import type { DuckDBConnection } from "@duckdb/node-api";
import type { PartitionEntry } from "@parquetry/core";
import { foldName } from "../../statement/fold-name.ts";
import { quoteName } from "../../statement/quote.ts";
import type { RowCondition, Statement } from "../../statement/statement.ts";
import { comparesComposed, composedKey } from "../views/composed-keys.ts";
import type { CandidateTable, QueryColumn } from "../views/scan-table.ts";

/** The result of {@link meetConditions}. */
export interface ConditionsMet {
  /** For each candidate, whether its rows can fulfil the conditions. */
  readonly kept: readonly boolean[];
  /** True where nothing else in the statement can tell the candidates apart. */
  readonly isAll: boolean;
}

/**
 * Evaluates the conditions that look only at keys on the list of candidates. Undefined where there are no such conditions, or
 * where evaluating one fails.
 */
export async function meetConditions(
  connection: DuckDBConnection,
  { text, conditions: rowConditions }: Pick<Statement, "text" | "conditions">,
  { names, keys }: CandidateTable,
  candidates: readonly (readonly PartitionEntry[])[],
): Promise<ConditionsMet | undefined> {
  const here = commonNames({ keys }, candidates);
  if (rowConditions === undefined || names.length !== 1 || here === undefined) return undefined;
  const { conditions, otherColumns } = rowConditions;
  const known = new Set(here.map((name) => foldName(name)));

  const own = conditions.filter(({ table }) => table === names[0]);
  const isUsable = ({ columns }: RowCondition): boolean => columns.every((column) => known.has(column));
  const usable = own.filter(isUsable);
  if (usable.length === 0) return undefined;
  const rest = own.filter((condition) => !isUsable(condition)).flatMap(({ columns }) => columns);
  const isAll = otherColumns !== undefined && ![...otherColumns, ...rest].some((name) => known.has(name));

  const condition = usable.map(({ sql }) => sql).join(" AND ");
  const kept = await keptBy(connection, condition, text, keys, here, candidates);
  return kept && { kept, isAll };
}

/** The candidates of whose keys a condition, a part of the SQL, is true; undefined where evaluating it fails. */
export async function keptBy(
  connection: DuckDBConnection,
  condition: string,
  sql: string,
  keys: readonly QueryColumn[],
  names: readonly string[],
  candidates: readonly (readonly PartitionEntry[])[],
): Promise<readonly boolean[] | undefined> {
  const composed = comparesComposed(sql, candidates);
  const typed = names.map((name, i) => {
    const type = keys.find((key) => key.name === name)?.type ?? "VARCHAR";
    return `${composedKey(`CAST(entry[${i + 1}] AS ${type})`, type, composed)} AS ${quoteName(name)}`;
  });
  const values = JSON.stringify(candidates.map((entries) => entries.map(([, value]) => value)));
  try {
    const result = await connection.run(
      `SELECT list(parquetry_row) FROM (
         SELECT parquetry_row, ${typed.join(", ")} FROM (
           SELECT unnest(given) AS entry, unnest(range(len(given)))::INTEGER AS parquetry_row
           FROM (SELECT from_json($1::JSON, '[["VARCHAR"]]') AS given)))
       WHERE ${condition}`,
      [values],
    );
    const list = (await result.getRows())[0]?.[0];
    const kept = candidates.map(() => false);
    if (typeof list === "object" && list !== null && "items" in list) {
      for (const index of list.items) kept[Number(index)] = true;
    }
    return kept;
  } catch {
    return undefined;
  }
}

/** The keys of the candidates, if all have the same; undefined otherwise, and where two keys differ only in case. */
export function commonNames(
  { keys }: Pick<CandidateTable, "keys">,
  candidates: readonly (readonly PartitionEntry[])[],
): readonly string[] | undefined {
  const names = candidates[0]?.map(([name]) => name);
  const isLevel =
    names !== undefined &&
    candidates.every(
      (entries) => entries.length === names.length && entries.every(([name], i) => name === names[i]),
    );
  const distinct = new Set(keys.map(({ name }) => foldName(name)));
  return isLevel && distinct.size === keys.length ? names : undefined;
}
