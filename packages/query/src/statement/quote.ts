/** A name as SQL: `"raw/plays"`. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as SQL: `'Hawai''i'`. DuckDB's SQL text ends at a NUL, so that one is written as `chr(0)`. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\0") ? `(${quoted.replaceAll("\0", "' || chr(0) || '")})` : quoted;
}

/** A file path as DuckDB takes it: it globs explicit paths too, so its three special characters are escaped. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}

/** File paths as a SQL list. */
export function quotePaths(paths: readonly string[]): string {
  return `[${paths.map((path) => quoteText(escapeGlob(path))).join(", ")}]`;
}
