import { S3Error } from "../s3-error.ts";

/**
 * Percent-encodes as Signature Version 4 does: everything but `A-Z a-z 0-9 - . _ ~`.
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
 * {@link encodeUri} of a path: the slashes stay.
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
 * Undoes percent-encoding; malformed escapes and bytes that are not UTF-8 throw `InvalidURI`.
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
 * Parses a query string; a name without `=` gets the empty value, and the last of equal names wins.
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
