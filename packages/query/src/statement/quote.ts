/** A name as SQL: `"raw/plays"`. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string as SQL: `'Hawai''i'`. DuckDB's SQL ends at a NUL, so a NUL is written as `chr(0)`. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\0") ? `(${quoted.replaceAll("\0", "' || chr(0) || '")})` : quoted;
}

/** A file path for DuckDB, which treats every path as a glob: its three special characters are escaped. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}
