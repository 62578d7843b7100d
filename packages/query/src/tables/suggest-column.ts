import { StorageError, suggest } from "@parquetry/core";
import type { CandidateTable } from "../duckdb/duckdb.ts";

/** How many names an error lists. */
const MAX_LISTED = 20;
const NOT_FOUND = /Referenced column "((?:[^"]|"")*)" not found/;
const CANDIDATES = /\n?Candidate bindings: [^\n]*/;

/** Adds to an error about an unknown column what it probably should be, out of all columns of the query's tables. */
export function suggestColumn(
  error: StorageError,
  column: string | undefined,
  tables: readonly Pick<CandidateTable, "columns" | "keys">[],
): StorageError {
  const name = column ?? NOT_FOUND.exec(error.message)?.[1]?.replaceAll('""', '"');
  if (name === undefined) return error;
  const known = tables.flatMap(({ columns, keys }) => [...keys, ...columns].map((each) => each.name));
  const meant = suggest(name, known);
  const all = [...new Set(known)];
  const more = all.length > MAX_LISTED ? `, … (${all.length} in all)` : "";
  const shown = `${all.slice(0, MAX_LISTED).join(", ")}${more}`;
  const hint =
    meant === undefined ? (shown === "" ? "" : `Columns are ${shown}.`) : `Did you mean "${meant}"?`;
  const message = error.message.replace(CANDIDATES, "");
  const [head = message, ...rest] = message.split("\n\n");
  return new StorageError({
    code: error.code,
    op: error.op,
    message: [`${head.trimEnd()} ${hint}`.trimEnd(), ...rest].join("\n\n"),
  });
}
