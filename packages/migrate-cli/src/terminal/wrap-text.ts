/**
 * Breaks a text between words, so that no line is longer than `width` unless one word is.
 *
 * @example
 * ```ts
 * wrapText("Nothing to do: everything is there.", 20); // ["Nothing to do:", "everything is there."]
 * ```
 */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
