/** The directory value that means NULL in Hive, Spark, DuckDB and pyarrow. */
export const HIVE_NULL = "__HIVE_DEFAULT_PARTITION__";

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Encodes a partition key or value for a path segment, as DuckDB and pyarrow do: `[A-Za-z0-9_.~-]` stay, every other UTF-8
 * byte becomes `%XX` in upper case.
 *
 * @throws URIError for half a surrogate pair.
 * @example
 * ```ts
 * encodeHive("Texas A&M"); // "Texas%20A%26M"
 * ```
 */
export function encodeHive(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * Decodes a partition key or value of a path segment. Characters that another writer left raw stay as they are, as does a `%`
 * that does not start an escape, and `+` is a plus. So Spark's looser names (`Texas A&M`) and those of older systems are read
 * too. Escapes that are not UTF-8 stay as written.
 *
 * @example
 * ```ts
 * decodeHive("Texas%20A%26M"); // "Texas A&M"
 * decodeHive("100% sure"); // "100% sure"
 * ```
 */
export function decodeHive(text: string): string {
  if (!text.includes("%")) return text;
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    try {
      return UTF8.decode(Buffer.from(escapes.replaceAll("%", ""), "hex"));
    } catch {
      return escapes;
    }
  });
}
