/** The directory value that stands for NULL in Hive, Spark, DuckDB and pyarrow. */
export const HIVE_NULL = "__HIVE_DEFAULT_PARTITION__";

const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Encodes a partition key or value as a path segment part: `[A-Za-z0-9_.~-]` stay, every other UTF-8 byte becomes
 * `%XX` in upper case, which is what DuckDB and pyarrow write.
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
 * Decodes a path segment part. Characters that another writer left raw stay as they are, as does a `%` that starts no
 * escape, and `+` is a plus: so Spark's looser names (`Texas A&M`) and those of older systems are read too. Escapes that
 * are not UTF-8 stay as written.
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
