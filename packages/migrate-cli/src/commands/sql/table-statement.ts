/** A statement about the tables themselves, which the engine does not run. */
export type TableStatement =
  | { readonly kind: "tables" }
  | { readonly kind: "describe"; readonly table: string };

const COMMENTS = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)+/;
const TABLES = /^(?:SHOW\s+(?:ALL\s+)?TABLES|DESC(?:RIBE)?)$/i;
const DESCRIBE =
  /^(?:DESC(?:RIBE)?(?:\s+TABLE\b)?|SHOW\s+TABLE|SHOW\s+(?:COLUMNS|FIELDS)\s+(?:FROM|IN))\s*(?=[\s"'`])\s*([\s\S]+)$/i;
/** `SHOW plays`, as DuckDB has it, but no other list of things. */
const SHOW = /^SHOW\s+(?!(?:DATABASES|SCHEMAS|CREATE|COLUMNS|FIELDS|TABLES?)$)([\s\S]+)$/i;
/** A query in place of a name. */
const QUERY = /^(?:SELECT|FROM|WITH|VALUES|PIVOT|UNPIVOT)\s/i;

/**
 * Reads the statements with which people of several databases list and describe tables: `SHOW TABLES`, `DESCRIBE plays`,
 * `DESC "raw/plays"`, `SHOW TABLE plays`, `SHOW COLUMNS FROM plays`, `SHOW plays`. Returns undefined for all other SQL.
 *
 * @example
 * ```ts
 * readTableStatement('desc "raw/plays";'); // { kind: "describe", table: "raw/plays" }
 * ```
 */
export function readTableStatement(sql: string): TableStatement | undefined {
  const text = sql.replace(COMMENTS, "").replace(/[\s;]+$/, "");
  if (TABLES.test(text)) return { kind: "tables" };
  const named = (DESCRIBE.exec(text) ?? SHOW.exec(text))?.[1];
  const table = named === undefined || QUERY.test(named) ? undefined : readTableName(named);
  return table === undefined ? undefined : { kind: "describe", table };
}

/**
 * Reads the name of a table, with or without quotes: `plays`, `raw/plays`, `"my plays"`, `'plays'`. Returns undefined for
 * anything else.
 */
export function readTableName(text: string): string | undefined {
  const name = text.replace(/[\s;]+$/, "");
  for (const quote of ['"', "'", "`"]) {
    const [, inner] = new RegExp(`^${quote}((?:[^${quote}]|${quote}${quote})+)${quote}$`).exec(name) ?? [];
    if (inner !== undefined) return inner.replaceAll(quote + quote, quote);
  }
  return /^[^\s"'`();,]+$/.test(name) ? name : undefined;
}
