let segmenter: Intl.Segmenter | undefined;
/** Scripts and symbols that take two cells. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const ASCII = /^[\x20-\x7e]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these must not reach a terminal.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** How many cells a text takes in a terminal. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const segment of graphemes(text)) width += cellsOf(segment);
  return width;
}

/**
 * Cuts a text to at most `cells` cells, with an ellipsis where something is missing.
 *
 * @param keep how many of the last characters stay: file names differ at their ends. Default 0.
 * @example
 * ```ts
 * cutText("processed/byplay", 10, 3); // "proces…lay"
 * ```
 */
export function cutText(text: string, cells: number, keep = 0): string {
  if (textWidth(text) <= cells) return text;
  const segments = graphemes(text);
  const end = keep > 0 ? segments.slice(-keep).join("") : "";
  let room = cells - 1 - textWidth(end);
  let start = "";
  for (const segment of segments) {
    room -= cellsOf(segment);
    if (room < 0) break;
    start += segment;
  }
  return `${start}…${end}`;
}

/** Pads a text to `cells` cells. */
export function padText(text: string, cells: number, isRight: boolean): string {
  const blank = " ".repeat(Math.max(0, cells - textWidth(text)));
  return isRight ? blank + text : text + blank;
}

/** A text on one line and without control characters, which could steer the terminal. */
export function plainText(text: string): string {
  return text.replace(CONTROL, (char) =>
    char === "\n" ? "⏎" : char === "\t" ? " " : String.fromCharCode(0x2400 + (char.charCodeAt(0) & 0x1f)),
  );
}

function cellsOf(segment: string): number {
  return WIDE.test(segment) ? 2 : 1;
}

/** The characters that a reader sees. */
function graphemes(text: string): readonly string[] {
  if (ASCII.test(text)) return [...text];
  // Made on demand: it loads ICU's data, which takes 10 ms.
  segmenter ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
