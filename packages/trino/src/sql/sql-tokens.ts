/** A part of a statement that is neither blank nor a comment. */
export interface Token {
  readonly kind: "name" | "text" | "number" | "parameter" | "symbol";
  /** As it is written. */
  readonly text: string;
  /** A name as Trino compares it: without quotes, in lower case. Else the text. */
  readonly value: string;
  /** Where it starts, in UTF-16 units. */
  readonly start: number;
  /** Where it ends. */
  readonly end: number;
}

const TOKENS = new RegExp(
  [
    /--[^\r\n]*/.source,
    // Comments do not nest in Trino.
    /\/\*[\s\S]*?\*\//.source,
    /(?<text>(?:[xX]|[uU]&)?'(?:[^']|'')*')/.source,
    /(?<quoted>"(?:[^"]|"")*")/.source,
    /(?<backquoted>`(?:[^`]|``)*`)/.source,
    /(?<name>[A-Za-z_][A-Za-z0-9_@:]*)/.source,
    /(?<number>\d[\w.]*)/.source,
    /(?<parameter>\?)/.source,
    /(?<symbol>\S)/.source,
  ].join("|"),
  "g",
);

/** Splits a statement of Trino into its tokens, without comments. */
export function sqlTokens(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  for (const match of sql.matchAll(TOKENS)) {
    const [text] = match;
    const { quoted, name, text: literal, number, parameter, symbol } = match.groups ?? {};
    const place = { text, start: match.index, end: match.index + text.length };
    if (quoted !== undefined) {
      const value = quoted.slice(1, -1).replaceAll('""', '"').toLowerCase();
      tokens.push({ kind: "name", value, ...place });
    } else if (name !== undefined) tokens.push({ kind: "name", value: name.toLowerCase(), ...place });
    else if (literal !== undefined) tokens.push({ kind: "text", value: literal, ...place });
    else if (number !== undefined) tokens.push({ kind: "number", value: number, ...place });
    else if (parameter !== undefined) tokens.push({ kind: "parameter", value: parameter, ...place });
    else if (symbol !== undefined) tokens.push({ kind: "symbol", value: symbol, ...place });
  }
  return tokens;
}

/** Whether a token is a keyword: a name without quotes. */
export function isWord(token: Token | undefined, ...words: readonly string[]): boolean {
  return token?.kind === "name" && token.text[0] !== '"' && words.includes(token.value);
}

/** Whether a token is this symbol. */
export function isSymbol(token: Token | undefined, symbol: string): boolean {
  return token?.kind === "symbol" && token.text === symbol;
}
