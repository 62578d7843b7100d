import { StorageError } from "@parquetry/core/backend";
import { quoteName } from "@parquetry/query/unstable";
import { isSymbol, isWord, sqlTokens, type Token } from "./sql-tokens.ts";
import { type TableReference, tableReferences } from "./table-references.ts";

/** A table's full name, in lower case as Trino has it. */
export interface TableName {
  readonly catalog: string;
  readonly schema: string;
  readonly table: string;
}

/** A table and the query that takes its place. */
export interface Shadow extends TableName {
  /** `SELECT * FROM hive.lake.plays WHERE "$path" IN (…)` */
  readonly query: string;
}

/** A query of the user's WITH. */
interface OwnQuery {
  readonly name: string;
  /** Where its definition ends. */
  readonly end: number;
}

const STARTS = ["select", "with", "table", "values"];

/**
 * Checks that a statement is one query.
 *
 * @throws StorageError `permission_denied`, `not_supported`.
 */
export function checkQuery(sql: string): void {
  const tokens = sqlTokens(sql);
  const first = tokens.find((token) => !isSymbol(token, "("));
  if (!isWord(first, ...STARTS))
    throw refused(
      "permission_denied",
      `only a query is allowed: SELECT, WITH, TABLE or VALUES, not ${first?.text ?? "an empty statement"}`,
    );
  if (isWord(first, "with") && isWord(tokens[1], "function", "session"))
    throw refused(
      "not_supported",
      `WITH ${tokens[1]?.text} is not supported here. Create the function in a catalog`,
    );
}

/**
 * Lets a query read other queries in place of its tables, by a WITH in front of it that is merged with its own. A query of the
 * user's WITH that has the name of a table keeps it, and reads the table by another name.
 *
 * @example
 * ```ts
 * shadowTables("SELECT 1 FROM t", { catalog: "hive", schema: "s" }, [{ catalog: "hive", schema: "s", table: "t", query: "…" }]);
 * // WITH "t" AS (…) SELECT 1 FROM t
 * ```
 */
export function shadowTables(
  sql: string,
  session: { readonly catalog: string; readonly schema: string },
  shadows: readonly Shadow[],
): string {
  if (shadows.length === 0) return sql;
  const { tokens, own, isRecursive, references } = namesOf(sql);
  const hasWith = isWord(tokens[0], "with");
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  const names = new Map<Shadow, string>();
  const taken = new Set(own.map(({ name }) => name));
  for (const [index, shadow] of shadows.entries()) {
    const isTaken =
      taken.has(shadow.table) || shadows.some((other, i) => i < index && other.table === shadow.table);
    names.set(shadow, isTaken ? `${shadow.table}$committed${index}` : shadow.table);
  }
  for (const reference of references) {
    const shadow = shadows.find((one) => isSame(one, fullName(reference, session)));
    if (shadow === undefined) continue;
    if (isRecursive) {
      // Trino wants the names of all columns of each query in WITH RECURSIVE, so the shadow takes the table's place.
      const as = reference.isAliased ? "" : ` AS ${quoteName(shadow.table)}`;
      edits.push({ start: reference.start, end: reference.end, text: `(${shadow.query})${as}` });
      continue;
    }
    const name = names.get(shadow) ?? shadow.table;
    if (name === shadow.table && reference.parts.length === 1) continue;
    const alias = name === shadow.table || reference.isAliased ? "" : ` AS ${quoteName(shadow.table)}`;
    edits.push({ start: reference.start, end: reference.end, text: `${quoteName(name)}${alias}` });
  }
  if (isRecursive) return edited(sql, edits);
  const definitions = shadows
    .map((shadow) => `${quoteName(names.get(shadow) ?? shadow.table)} AS (${shadow.query})`)
    .join(", ");
  const at = hasWith ? (tokens[0]?.end ?? 0) : (tokens[0]?.start ?? 0);
  edits.push({ start: at, end: at, text: hasWith ? ` ${definitions},` : `WITH ${definitions} ` });
  return edited(sql, edits);
}

/** The tables that a query names, each once. */
export function namedTables(
  sql: string,
  session: { readonly catalog: string; readonly schema: string },
): readonly TableName[] {
  const found: TableName[] = [];
  for (const reference of namesOf(sql).references) {
    const name = fullName(reference, session);
    if (!found.some((one) => isSame(one, name))) found.push(name);
  }
  return found;
}

/** The names in a query: the queries of its WITH, and the references to tables, which those to such queries are not. */
function namesOf(sql: string): {
  readonly tokens: readonly Token[];
  readonly own: readonly OwnQuery[];
  readonly isRecursive: boolean;
  readonly references: readonly TableReference[];
} {
  const tokens = sqlTokens(sql);
  const hasWith = isWord(tokens[0], "with");
  const isRecursive = hasWith && isWord(tokens[1], "recursive");
  const own = hasWith ? ownQueries(tokens, isRecursive ? 2 : 1) : [];
  const isOwn = ({ parts, start }: TableReference): boolean =>
    parts.length === 1 && own.some(({ name, end }) => name === parts[0] && (isRecursive || start > end));
  return { tokens, own, isRecursive, references: tableReferences(tokens).filter((one) => !isOwn(one)) };
}

/** Replaces the parameters of a query by literals, for EXPLAIN, which does not take them. */
export function withLiterals(sql: string, literals: readonly string[]): string {
  const places = sqlTokens(sql).filter(({ kind }) => kind === "parameter");
  return edited(
    sql,
    places.flatMap(({ start, end }, index) => {
      const literal = literals[index];
      return literal === undefined ? [] : [{ start, end, text: literal }];
    }),
  );
}

function edited(
  sql: string,
  edits: readonly { readonly start: number; readonly end: number; readonly text: string }[],
): string {
  let text = sql;
  for (const { start, end, text: replacement } of [...edits].sort((a, b) => b.start - a.start))
    text = text.slice(0, start) + replacement + text.slice(end);
  return text;
}

/** The queries of the WITH that a statement begins with. */
function ownQueries(tokens: readonly Token[], start: number): readonly OwnQuery[] {
  const found: OwnQuery[] = [];
  for (let i = start; tokens[i]?.kind === "name"; i++) {
    const name = tokens[i]?.value ?? "";
    i++;
    // The names of its columns.
    if (isSymbol(tokens[i], "(")) i = closing(tokens, i) + 1;
    if (isWord(tokens[i], "as")) i++;
    if (!isSymbol(tokens[i], "(")) break;
    i = closing(tokens, i);
    found.push({ name, end: tokens[i]?.end ?? 0 });
    i++;
    if (!isSymbol(tokens[i], ",")) break;
  }
  return found;
}

function closing(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (isSymbol(tokens[i], "(")) depth++;
    else if (isSymbol(tokens[i], ")") && --depth === 0) return i;
  }
  return tokens.length;
}

function fullName(
  { parts }: TableReference,
  session: { readonly catalog: string; readonly schema: string },
): TableName {
  const [table = "", schema = session.schema.toLowerCase(), catalog = session.catalog.toLowerCase()] = [
    ...parts,
  ].reverse();
  return { catalog, schema, table };
}

const isSame = (a: TableName, b: TableName): boolean =>
  a.catalog === b.catalog && a.schema === b.schema && a.table === b.table;

function refused(code: "permission_denied" | "not_supported", problem: string): StorageError {
  return new StorageError({ code, op: "sql", backend: "trino", message: `sql: ${problem}.` });
}
