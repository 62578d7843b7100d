import { Buffer } from "#platform";
/** The directory value that means NULL in Hive, Spark, DuckDB and pyarrow. */
export const HIVE_NULL = "__HIVE_DEFAULT_PARTITION__";

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** The characters that Hive escapes (`FileUtils.charToEscape`), and NUL, which no path can hold. */
const ESCAPED = /["#%'*/:=?\\{[\]^]|[^ -~\u{80}-\u{10ffff}]/gu;

/**
 * Encodes a partition key for a path segment, as Hive, Spark and Trino do: control characters and `" # % ' * / : = ? \ { [ ] ^`
 * become `%XX`, everything else stays, spaces and UTF-8 included (docs/decisions/0020).
 *
 * @example
 * ```ts
 * encodeHive("San José/Texas A&M"); // "San José%2FTexas A&M"
 * ```
 */
export function encodeHive(text: string): string {
  return text.replace(ESCAPED, escapeChar);
}

/**
 * Encodes a partition value for a path segment: as {@link encodeHive}, and the string `null`, in any case, with its first letter
 * escaped, since DuckDB reads it as NULL otherwise.
 *
 * @example
 * ```ts
 * encodeHiveValue(null); // "__HIVE_DEFAULT_PARTITION__"
 * encodeHiveValue("null"); // "%6Eull"
 * ```
 */
export function encodeHiveValue(value: string | null): string {
  if (value === null) return HIVE_NULL;
  return /^null$/i.test(value) ? escapeChar(value.charAt(0)) + value.slice(1) : encodeHive(value);
}

/** Returns false for a key or value that another writer may spell differently. */
export function hasOneSpelling(text: string | null): boolean {
  return text === null || (/^[\w.~-]*$/.test(text) && !/^null$/i.test(text));
}

function escapeChar(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/**
 * Decodes a partition key or value of a path segment, in the spelling of any writer: Hive's, the URL encoding of DuckDB and
 * pyarrow, and raw characters. A `%` that does not start an escape stays, `+` is a plus, and escapes that are not UTF-8 stay as
 * written.
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
