const SEGMENTER = new Intl.Segmenter(undefined, { granularity: "grapheme" });
/** Scripts and symbols that a terminal draws two cells wide. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const ASCII = /^[\x20-\x7e]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal must not be sent.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** How many cells a text takes in a terminal. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const { segment } of SEGMENTER.segment(text)) width += WIDE.test(segment) ? 2 : 1;
  return width;
}

/** Cuts a text to so many cells, the last of them an ellipsis where something was cut. */
export function cutText(text: string, cells: number): string {
  if (textWidth(text) <= cells) return text;
  let cut = "";
  let width = 0;
  for (const { segment } of SEGMENTER.segment(text)) {
    const next = WIDE.test(segment) ? 2 : 1;
    if (width + next > cells - 1) break;
    cut += segment;
    width += next;
  }
  return `${cut}…`;
}

/** Pads a text to so many cells. */
export function padText(text: string, cells: number, right: boolean): string {
  const blank = " ".repeat(Math.max(0, cells - textWidth(text)));
  return right ? blank + text : text + blank;
}

/** A text on one line and without control characters, which could steer the terminal. */
export function plainText(text: string): string {
  return text.replace(CONTROL, (char) =>
    char === "\n" ? "⏎" : char === "\t" ? " " : String.fromCharCode(0x2400 + (char.charCodeAt(0) & 0x1f)),
  );
}
