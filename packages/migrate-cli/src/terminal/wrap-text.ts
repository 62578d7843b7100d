/** Style codes, which have no width. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with the escape character.
const STYLES = /\u001b\[[0-9;]*m/g;

/**
 * Breaks the lines of a text between words, so that none is longer than `width` unless one word is. A line that fits stays as
 * it is, spaces included; what follows a break is indented as its line is.
 *
 * @example
 * ```ts
 * wrapText("Nothing to do: everything is there.", 20); // ["Nothing to do:", "everything is there."]
 * ```
 */
export function wrapText(text: string, width: number): readonly string[] {
  return text.split("\n").flatMap((line) => (lengthOf(line) <= width ? [line] : wrapLine(line, width)));
}

function wrapLine(text: string, width: number): readonly string[] {
  const indent = /^ */.exec(text)?.[0] ?? "";
  const lines: string[] = [];
  let line = "";
  for (const word of text.slice(indent.length).split(" ")) {
    if (line !== "" && lengthOf(`${indent}${line} ${word}`) > width) {
      lines.push((indent + line).trimEnd());
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}

function lengthOf(text: string): number {
  return text.replace(STYLES, "").length;
}
