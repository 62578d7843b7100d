/** A run of digits that a number may not hold. */
const LONG = /\d{16}/;
/** A whole number of 16 or more digits. Not one that is part of a fraction or has an exponent. */
const LONG_INTEGERS = /(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g;

/**
 * Parses JSON with whole numbers of 16 digits or more as strings: Trino writes BIGINT as a JSON number, and JSON.parse rounds those
 * above 2^53.
 *
 * @throws SyntaxError as JSON.parse.
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(LONG.test(text) ? quoteLongIntegers(text) : text);
}

function quoteLongIntegers(text: string): string {
  const parts: string[] = [];
  let from = 0;
  while (from < text.length) {
    const start = text.indexOf('"', from);
    const outside = text.slice(from, start < 0 ? text.length : start);
    parts.push(LONG.test(outside) ? outside.replace(LONG_INTEGERS, '"$&"') : outside);
    if (start < 0) break;
    from = stringEnd(text, start);
    parts.push(text.slice(start, from));
  }
  return parts.join("");
}

/** Where the string ends that starts at a quotation mark. A regular expression would run out of stack at a long one. */
function stringEnd(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text[end - 1 - backslashes] === "\\") backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
  return text.length;
}
