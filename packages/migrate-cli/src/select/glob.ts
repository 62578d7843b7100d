import { StorageError } from "@parquetry/core/backend";

const SPECIAL = /[.+^$()|[\]\\]/;

/**
 * Compiles a glob over keys. `*` and `?` match within a segment, `**` matches across segments, `{a,b}` matches either, and
 * `\` escapes the next character. A pattern that ends in `/` matches everything below that folder. A pattern without `/`
 * matches a name in any folder. A pattern whose last segment has no wildcard also matches everything below a folder of that
 * name. All other characters, including `[`, match themselves.
 *
 * @throws StorageError `invalid_argument` for an empty pattern, an unclosed `{`, or a `\` at the end.
 * @example
 * ```ts
 * compileGlob("raw/")("raw/plays/year=2024/a.parquet"); // true
 * compileGlob("*.csv")("raw/plays/a.csv"); // true
 * ```
 */
export function compileGlob(pattern: string): (key: string) => boolean {
  const anchored = pattern.startsWith("/") ? pattern.slice(1) : pattern;
  if (anchored === "") throw badGlob(pattern, "it is empty");
  const anywhere = !pattern.includes("/");
  const source = translate(anchored.endsWith("/") ? `${anchored}**` : anchored, pattern);
  const below = /[*?{}][^/]*$/.test(anchored) ? "" : "(?:/.*)?";
  const expression = new RegExp(`^${anywhere ? "(?:.*/)?" : ""}${source}${below}$`, "su");
  return (key) => expression.test(key);
}

/**
 * Returns the folder that contains all matches of a glob, `""` if there is none: where a listing may start.
 *
 * @example
 * ```ts
 * literalFolder("raw/plays/year=*"); // "raw/plays"
 * ```
 */
export function literalFolder(pattern: string): string {
  const anchored = pattern.startsWith("/") ? pattern.slice(1) : pattern;
  const literal = /^[^*?{}\\]*/.exec(anchored)?.[0] ?? "";
  return literal.slice(0, Math.max(0, literal.lastIndexOf("/")));
}

/**
 * Whether a glob may match a key below a folder, or the folder's own name. False only if it cannot.
 *
 * @example
 * ```ts
 * mayMatchBelow("raw/plays/*.csv", "raw/games"); // false
 * ```
 */
export function mayMatchBelow(pattern: string, folder: string): boolean {
  if (!pattern.includes("/")) return true;
  const start = /^\/?([^*?{}\\]*)/.exec(pattern)?.[1] ?? "";
  const below = `${folder}/`;
  return below.startsWith(start) || start.startsWith(below) || start === folder;
}

function translate(glob: string, pattern: string): string {
  let out = "";
  let depth = 0;
  for (let i = 0; i < glob.length; ) {
    const char = String.fromCodePoint(glob.codePointAt(i) ?? 0);
    i += char.length;
    if (char === "\\") {
      const next = glob.codePointAt(i);
      if (next === undefined) throw badGlob(pattern, "it ends in a \\ that escapes nothing");
      const taken = String.fromCodePoint(next);
      out += literal(taken);
      i += taken.length;
    } else if (char === "*") {
      if (glob[i] !== "*") out += "[^/]*";
      else {
        i++;
        // "a/**/b" also means "a/b".
        if (glob[i] === "/" && (out === "" || out.endsWith("/"))) {
          i++;
          out += "(?:.*/)?";
        } else out += ".*";
      }
    } else if (char === "?") out += "[^/]";
    else if (char === "{") {
      depth++;
      out += "(?:";
    } else if (char === "}" && depth > 0) {
      depth--;
      out += ")";
    } else if (char === "," && depth > 0) out += "|";
    else out += literal(char);
  }
  if (depth > 0) throw badGlob(pattern, "it has a { that is never closed");
  return out;
}

function literal(char: string): string {
  return SPECIAL.test(char) || "*?{}/".includes(char) ? (char === "/" ? "/" : `\\${char}`) : char;
}

function badGlob(pattern: string, reason: string): StorageError {
  return new StorageError({
    code: "invalid_argument",
    op: "select",
    message: `${JSON.stringify(pattern)} is not a pattern: ${reason}. Examples: raw/  *.parquet  raw/{plays,games}/year=2024/**`,
  });
}
