import { S3Error } from "../s3-error.ts";

/**
 * Percent-encodes everything except `A-Z a-z 0-9 - . _ ~`, as Signature Version 4 does.
 *
 * @example
 * encodeUri("a b/ü"); // "a%20b%2F%C3%BC"
 */
export function encodeUri(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/**
 * {@link encodeUri} for a path, which keeps its slashes.
 *
 * @example
 * encodeUriPath("a b/ü"); // "a%20b/%C3%BC"
 */
export function encodeUriPath(path: string): string {
  return /^[\w\-.~/]*$/.test(path) ? path : encodeUri(path).replaceAll("%2F", "/");
}

/**
 * Encodes a key for a listing with `encoding-type=url`; a space becomes `+`, as S3 writes it.
 *
 * @example
 * encodeListedKey("a b+c"); // "a+b%2Bc"
 */
export function encodeListedKey(key: string): string {
  return encodeUriPath(key).replaceAll("%20", "+");
}

/**
 * Decodes percent-encoding. Throws `InvalidURI` for malformed escapes and invalid UTF-8.
 *
 * @example
 * decodeUri("a%20b"); // "a b"
 */
export function decodeUri(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new S3Error("InvalidURI", `Couldn't parse the specified URI: "${text.slice(0, 100)}".`);
  }
}

/**
 * Parses a query string. A name without `=` has an empty value; the last of equal names wins.
 *
 * @example
 * parseQuery("list-type=2&uploads").get("uploads"); // ""
 */
export function parseQuery(search: string): Map<string, string> {
  const query = new Map<string, string>();
  if (search === "") return query;
  for (const pair of search.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = equals === -1 ? pair : pair.slice(0, equals);
    const value = equals === -1 ? "" : pair.slice(equals + 1);
    query.set(decodeUri(name.replaceAll("+", " ")), decodeUri(value.replaceAll("+", " ")));
  }
  return query;
}
