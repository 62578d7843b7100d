import type { DuckDBConnection } from "@duckdb/node-api";
import type { PartitionEntry } from "@parquetry/core";
import type { CandidateTable, RowConditions } from "../engine.ts";
import { quoteName } from "./quote.ts";

/** What {@link meetConditions} found. */
export interface ConditionsMet {
  /** For each candidate, whether its rows can fulfil the conditions. */
  readonly kept: readonly boolean[];
  /** True where nothing else in the query can tell the candidates apart. */
  readonly isAll: boolean;
}

/**
 * Evaluates the conditions that look at nothing but the keys of the candidates on a list of these. Undefined where there is
 * none, or where one fails: then nothing is known.
 */
export async function meetConditions(
  connection: DuckDBConnection,
  { conditions, otherColumns }: RowConditions,
  { names, keys }: CandidateTable,
  candidates: readonly (readonly PartitionEntry[])[],
): Promise<ConditionsMet | undefined> {
  const [first] = candidates;
  if (names.length !== 1 || first === undefined) return undefined;
  const here = first.map(([name]) => name);
  const isLevel = candidates.every(
    (entries) => entries.length === here.length && entries.every(([name], i) => name === here[i]),
  );
  const known = new Set(here.map((name) => name.toLowerCase()));
  const ownNames = new Set(keys.map(({ name }) => name.toLowerCase()));
  if (!isLevel || ownNames.size !== keys.length) return undefined;

  const own = conditions.filter(({ table }) => table === names[0]);
  const usable = own.filter(({ columns }) => columns.every((column) => known.has(column)));
  if (usable.length === 0) return undefined;
  const rest = own.filter((condition) => !usable.includes(condition)).flatMap(({ columns }) => columns);
  const isAll = otherColumns !== undefined && ![...otherColumns, ...rest].some((name) => known.has(name));

  const typed = here.map((name, i) => {
    const type = keys.find((key) => key.name === name)?.type ?? "VARCHAR";
    return `CAST(entry[${i + 1}] AS ${type}) AS ${quoteName(name)}`;
  });
  const values = JSON.stringify(candidates.map((entries) => entries.map(([, value]) => value)));
  try {
    const result = await connection.run(
      `SELECT list(parquetry_row) FROM (
         SELECT parquetry_row, ${typed.join(", ")} FROM (
           SELECT unnest(given) AS entry, unnest(range(len(given)))::INTEGER AS parquetry_row
           FROM (SELECT from_json($1::JSON, '[["VARCHAR"]]') AS given)))
       WHERE ${usable.map(({ sql }) => sql).join(" AND ")}`,
      [values],
    );
    const list = (await result.getRows())[0]?.[0];
    const kept = candidates.map(() => false);
    if (typeof list === "object" && list !== null && "items" in list) {
      for (const index of list.items) kept[Number(index)] = true;
    }
    return { kept, isAll };
  } catch {
    return undefined;
  }
}
