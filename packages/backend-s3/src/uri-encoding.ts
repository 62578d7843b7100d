const RESERVED = /[!'()*]/g;

/** Percent-encodes a name as Signature V4 requires: every byte outside `[A-Za-z0-9_.~-]`. */
export function encodeUriPart(name: string): string {
  return encodeURIComponent(name).replace(
    RESERVED,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Percent-encodes a key except for its slashes. */
export function encodeKey(key: string): string {
  return encodeUriPart(key).replaceAll("%2F", "/");
}

/** Builds a query string in the order that Signature V4 signs, without the `?`. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodeUriPart(name)}=${encodeUriPart(value)}`)
    .sort()
    .join("&");
}
