/** A parameter in SQL. */
export interface FoundParameter {
  /** Where it starts, in UTF-16 units. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
  /** `year` for `$year`; the number, counted from 1, for `$1` and `?`. */
  readonly name: string;
}

const TOKENS = new RegExp(
  [
    /--[^\r\n]*/.source,
    // The end of a comment is searched below, since comments nest.
    /\/\*/.source,
    /[eE]'(?:[^'\\]|\\[\s\S]|'')*'/.source,
    /'(?:[^']|'')*'/.source,
    /"(?:[^"]|"")*"/.source,
    // The start of a dollar quote: $$…$$ or $tag$…$tag$. A search for its end here would look at the whole rest for each of them.
    /(?<quote>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)/.source,
    // A word includes the dollar signs in it: the $1 of a$1 is not a parameter.
    /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/.source,
    /\$(?<name>[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*|\d+)/.source,
    /\?(?<number>\d*)/.source,
  ].join("|"),
  "gu",
);

/**
 * Finds the parameters of SQL: `$year`, `$1`, `?`, `?1`, outside of strings, quoted names and comments. DuckDB's own parser
 * reports their names but not their places.
 */
export function findParameters(sql: string): readonly FoundParameter[] {
  const found: FoundParameter[] = [];
  let unnumbered = 0;
  TOKENS.lastIndex = 0;
  for (let match = TOKENS.exec(sql); match !== null; match = TOKENS.exec(sql)) {
    const [text] = match;
    const start = match.index;
    const end = start + text.length;
    if (text === "/*") {
      TOKENS.lastIndex = commentEnd(sql, end);
      continue;
    }
    const quote = match.groups?.["quote"];
    if (quote !== undefined) {
      const close = sql.indexOf(quote, end);
      TOKENS.lastIndex = close < 0 ? sql.length : close + quote.length;
      continue;
    }
    const name = match.groups?.["name"];
    const number = match.groups?.["number"];
    if (name !== undefined) found.push({ start, end, name });
    else if (number !== undefined) found.push({ start, end, name: number || String(++unnumbered) });
  }
  return found;
}

function commentEnd(sql: string, start: number): number {
  let depth = 1;
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  for (let match = marks.exec(sql); match !== null; match = marks.exec(sql)) {
    depth += match[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return sql.length;
}
