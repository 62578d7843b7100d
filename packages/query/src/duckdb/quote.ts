/** A name as SQL: `"raw/plays"`. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL: `'Hawai''i'`. DuckDB's SQL text ends at a NUL, so that one is written as `chr(0)`. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\0") ? `(${quoted.replaceAll("\0", "' || chr(0) || '")})` : quoted;
}

/** File paths as a SQL list. DuckDB globs explicit paths too, so its three special characters are escaped. */
export function quotePaths(paths: readonly string[]): string {
  return `[${paths.map((path) => quoteText(path.replace(/[*?[]/g, "[$&]"))).join(", ")}]`;
}
