/** A fenced block of a page. */
export interface Block {
  readonly language: string;
  readonly code: string;
  /** The line of its first fence, from 1. */
  readonly line: number;
  /** The directives in the comments above it: `<!-- file: pipeline.mjs -->` is `file`. */
  readonly directives: ReadonlyMap<string, string>;
}

/** A part of a page: a block, or the lines between two blocks. */
export type Part = Block | string;

export const isBlock = (part: Part | undefined): part is Block => typeof part === "object";

/** The instructions that a comment above a block may give. */
const DIRECTIVES = [
  /** Why the block cannot run here. */
  "not run",
  /** The file that the block is the content of. */
  "file",
  /** The file of the repository that the block has to be equal to. */
  "source",
  /** The exit code with which the block has to end. Default: 0. */
  "exit",
  /** The commands go on until the page ends; the page continues as soon as they print this text. */
  "until it prints",
];

const DIRECTIVE = /^<!-- ([a-z ]+?)(?:: (.*))? -->$/;
const FENCE = /^```([\w-]*)(.*)$/;

/** Splits a page into its blocks and the text between them. */
export function readPage(markdown: string): readonly Part[] {
  const parts: Part[] = [];
  const lines = markdown.split("\n");
  let text: string[] = [];
  let directives = new Map<string, string>();
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    const [, language, flags] = FENCE.exec(line) ?? [];
    if (language === undefined) {
      const [, name = "", value = ""] = DIRECTIVE.exec(line) ?? [];
      if (name !== "" && !DIRECTIVES.includes(name))
        throw new Error(`line ${i + 1}: unknown directive ${line}`);
      if (name !== "") directives.set(name, value);
      else if (line !== "" && directives.size > 0)
        throw new Error(`line ${i + 1}: a directive without a block`);
      text.push(line);
      continue;
    }
    if (flags !== "") throw new Error(`line ${i + 1}: a fence with flags: ${line}`);
    const end = lines.indexOf("```", i + 1);
    if (end < 0) throw new Error(`line ${i + 1}: a block without an end`);
    parts.push(text.join("\n"), {
      language,
      code: lines.slice(i + 1, end).join("\n"),
      line: i + 1,
      directives,
    });
    directives = new Map();
    text = [];
    i = end;
  }
  return [...parts, text.join("\n")];
}

/** The page that the parts make up. */
export function writePage(parts: readonly Part[]): string {
  return parts
    .map((part) => (isBlock(part) ? `\`\`\`${part.language}\n${part.code}\n\`\`\`` : part))
    .join("\n");
}

/** The words that differ from run to run. */
const CHANGING: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "UUID"],
  [/\b[0-9a-f]{16}(?:[0-9a-f]{16})?\b/g, "HEX"],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?\b/g, "TIME"],
  [/[\d.]+ [kMG]?B\/s/g, "RATE"],
  [/\b[\d.]+ (?:ms|s|min|h)\b/g, "DURATION"],
  [/(\d+)\.\d+\.\d+(?:-[\w.]+)?/g, "VERSION"],
];

/** True where two outputs differ in times, speeds and versions at most. In `shown`, a line `…` stands for any lines. */
export function isSameOutput(shown: string, printed: string): boolean {
  const normal = (text: string): string =>
    CHANGING.reduce((all, [pattern, word]) => all.replace(pattern, word), text.trimEnd()).replace(
      /[ \t]+$/gm,
      "",
    );
  const pieces = `\n${normal(shown)}\n`
    .split("\n…\n")
    .map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${pieces.join("\n(?:.*\n)*?")}$`).test(`\n${normal(printed)}\n`);
}
