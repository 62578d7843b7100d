import { isSymbol, isWord, type Token } from "./sql-tokens.ts";

/** A place in a statement where a table is read. */
export interface TableReference {
  /** The parts of its name, in lower case: `["hive", "lake", "plays"]`. */
  readonly parts: readonly string[];
  readonly start: number;
  readonly end: number;
  /** True where the query gives it another name, as in `plays p`. */
  readonly isAliased: boolean;
}

/** An open pair of parentheses, or the whole statement. */
interface Frame {
  /** Whether a FROM in it is that of a query, and not that of `extract(year FROM at)`. */
  readonly isQuery: boolean;
  /** Whether a comma leads to another table. */
  inFrom: boolean;
  /** Whether the next token begins a table. */
  expectsTable: boolean;
}

const QUERY_STARTS = ["select", "with", "table", "values"];
const FROM_ENDS = [
  "where",
  "group",
  "having",
  "order",
  "limit",
  "offset",
  "fetch",
  "window",
  "union",
  "except",
  "intersect",
  "select",
];
/** Words that can follow a table and are not its alias. */
const AFTER_TABLE = [
  ...FROM_ENDS,
  "join",
  "cross",
  "inner",
  "left",
  "right",
  "full",
  "natural",
  "on",
  "using",
  "tablesample",
  "for",
  "match_recognize",
];

/** Finds the tables that a statement reads by name. Names in strings, comments and expressions are none. */
export function tableReferences(tokens: readonly Token[]): readonly TableReference[] {
  const found: TableReference[] = [];
  const frames: Frame[] = [{ isQuery: true, inFrom: false, expectsTable: false }];
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i];
    const frame = frames.at(-1);
    if (token === undefined || frame === undefined) break;
    if (isSymbol(token, "(")) {
      const isTable = frame.expectsTable;
      frame.expectsTable = false;
      const isQuery = isWord(tokens[i + 1], ...QUERY_STARTS);
      const isNested = isSymbol(tokens[i + 1], "(");
      frames.push({
        isQuery: isQuery || isTable || (isNested && frame.isQuery),
        inFrom: isTable && !isQuery,
        expectsTable: isTable && !isQuery,
      });
    } else if (isSymbol(token, ")")) {
      if (frames.length > 1) frames.pop();
    } else if (frame.expectsTable) {
      frame.expectsTable = false;
      if (token.kind !== "name" || isWord(token, "unnest", "lateral") || isCall(tokens, i)) continue;
      const last = nameEnd(tokens, i);
      if (isSymbol(tokens[last + 1], "(")) continue;
      const parts = tokens.slice(i, last + 1).filter(({ kind }) => kind === "name");
      const next = tokens[last + 1];
      found.push({
        parts: parts.map(({ value }) => value),
        start: token.start,
        end: tokens[last]?.end ?? token.end,
        isAliased: next?.kind === "name" && !isWord(next, ...AFTER_TABLE),
      });
      i = last;
    } else if (isWord(token, "from") && frame.isQuery && !isDistinctFrom(tokens, i)) {
      frame.inFrom = true;
      frame.expectsTable = true;
    } else if (isWord(token, "join") && frame.isQuery) frame.expectsTable = true;
    else if (isWord(token, "table") && frame.isQuery && isTableStatement(tokens, i))
      frame.expectsTable = true;
    else if (isSymbol(token, ",") && frame.inFrom) frame.expectsTable = true;
    else if (isWord(token, ...FROM_ENDS)) frame.inFrom = false;
  }
  return found;
}

/** The index of the last token of a dotted name. */
export function nameEnd(tokens: readonly Token[], start: number): number {
  let last = start;
  while (isSymbol(tokens[last + 1], ".") && tokens[last + 2]?.kind === "name") last += 2;
  return last;
}

/** `TABLE(f(x))` in a FROM. */
const isCall = (tokens: readonly Token[], i: number): boolean =>
  isWord(tokens[i], "table") && isSymbol(tokens[i + 1], "(");

/** `a IS DISTINCT FROM b`. */
const isDistinctFrom = (tokens: readonly Token[], i: number): boolean =>
  isWord(tokens[i - 1], "distinct") && isWord(tokens[i - 2], "is", "not");

/** `TABLE plays`, which is `SELECT * FROM plays`. */
const isTableStatement = (tokens: readonly Token[], i: number): boolean =>
  tokens[i + 1]?.kind === "name" &&
  (i === 0 ||
    isSymbol(tokens[i - 1], "(") ||
    isWord(tokens[i - 1], "union", "all", "distinct", "except", "intersect"));
