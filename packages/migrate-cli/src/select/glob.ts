import { StorageError } from "@parquetry/core/backend";

const SPECIAL = /[.+^$()|[\]\\]/;

/** A wildcard, or a character that one escapes. */
const WILDCARD = /[*?{}[]/;

/**
 * Compiles a glob over keys. `*` and `?` match within a segment, `**` matches across segments, `[a-c]` matches one of these
 * characters and `[!a-c]` (or `[^a-c]`) one other, `{a,b}` matches either, and `\` escapes the next character. A pattern that ends
 * in `/` matches everything below that folder. A pattern without `/` matches a name in any folder; one with a `/` anywhere starts
 * at the root. A pattern whose last segment has no wildcard also matches everything below a folder of that name. Upper and lower
 * case differ. All other characters match themselves.
 *
 * Between brackets, `]` is a character if it comes first, `-` if it comes first or last, `\` escapes, and `[:digit:]` and the other
 * classes of POSIX are their ASCII characters. Brackets never match a `/`.
 *
 * @throws StorageError `invalid_argument` for an empty pattern, an unclosed `{` or `[`, a range whose ends are reversed, an unknown
 * class, or a `\` at the end.
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
  const below = WILDCARD.test(anchored.slice(anchored.lastIndexOf("/") + 1)) ? "" : "(?:/.*)?";
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
  const literal = /^[^*?{}[\\]*/.exec(anchored)?.[0] ?? "";
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
  const start = /^\/?([^*?{}[\\]*)/.exec(pattern)?.[1] ?? "";
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
    else if (char === "[") {
      const set = characterSet(glob, i, pattern);
      out += set.source;
      i = set.end;
    } else if (char === "{") {
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

/** The characters between brackets, from after the `[`; `end` is after the `]`. */
function characterSet(
  glob: string,
  start: number,
  pattern: string,
): { readonly source: string; readonly end: number } {
  const isNegated = glob[start] === "!" || glob[start] === "^";
  const first = isNegated ? start + 1 : start;
  let out = "";
  let low: string | undefined;
  for (let i = first; i < glob.length; ) {
    const named = /^\[:([^:\]]*):\]/.exec(glob.slice(i));
    if (named !== null) {
      const members = POSIX_CLASSES.get(named[1] ?? "");
      if (members === undefined) throw badGlob(pattern, `it has the unknown class ${named[0]}`);
      out += members;
      i += named[0].length;
      low = undefined;
      continue;
    }
    let char = String.fromCodePoint(glob.codePointAt(i) ?? 0);
    if (char === "]" && i > first) return { source: `(?!/)[${isNegated ? "^" : ""}${out}]`, end: i + 1 };
    const isRange = char === "-" && low !== undefined && i + 1 < glob.length && glob[i + 1] !== "]";
    if (isRange) i++;
    if (glob[i] === "\\") i++;
    if (i >= glob.length) break;
    char = String.fromCodePoint(glob.codePointAt(i) ?? 0);
    i += char.length;
    if (!isRange) {
      out += codePoint(char);
      low = char;
      continue;
    }
    if ((low?.codePointAt(0) ?? 0) > (char.codePointAt(0) ?? 0))
      throw badGlob(pattern, `it has the range ${low}-${char}, whose ends are reversed`);
    // The low end is there already.
    out += `-${codePoint(char)}`;
    low = undefined;
  }
  throw badGlob(pattern, "it has a [ that is never closed (\\[ means the character)");
}

/** The ASCII characters of each class that POSIX names. */
const POSIX_CLASSES: ReadonlyMap<string, string> = new Map([
  ["alnum", "0-9A-Za-z"],
  ["alpha", "A-Za-z"],
  ["blank", " \\t"],
  ["cntrl", "\\x00-\\x1f\\x7f"],
  ["digit", "0-9"],
  ["graph", "!-~"],
  ["lower", "a-z"],
  ["print", " -~"],
  ["punct", "!-\\/:-@\\[-`\\{-~"],
  ["space", " \\t\\n\\v\\f\\r"],
  ["upper", "A-Z"],
  ["xdigit", "0-9A-Fa-f"],
]);

function codePoint(char: string): string {
  return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
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
