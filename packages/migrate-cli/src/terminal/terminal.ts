import type { Writable } from "node:stream";
import { styleText } from "node:util";
import { wrapText } from "./wrap-text.ts";

/** A style of a text on a terminal. */
export type TextStyle = "bold" | "dim" | "red" | "green" | "yellow";

/** Where a command writes: results to stdout, messages to stderr. */
export interface Terminal {
  /** Writes a line of the result unchanged. */
  print(line?: string): void;
  /** Writes a sentence of the result: broken between words on a terminal, one line elsewhere. */
  printText(text: string): void;
  /** Writes a message to stderr, broken between words on a terminal. */
  tell(line?: string): void;
  /** Replaces the live line; `""` removes it. Does nothing where {@link Terminal.live} is false. */
  status(line: string): void;
  /** Whether stderr is a terminal that a live line can be drawn on. */
  readonly live: boolean;
  /** How many characters a line of the live line has. */
  readonly columns: number;
  /** How wide a line of the result may be; infinite where stdout is not a terminal. */
  readonly width: number;
  /** A text in a style for stdout; plain where colour is off. */
  style(style: TextStyle, text: string): string;
  /** A text in a style for stderr; plain where colour is off. */
  mark(style: TextStyle, text: string): string;
}

/** A stream that may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean; readonly columns?: number };

/** Options of {@link createTerminal}. */
export interface TerminalOptions {
  /** Where results go. */
  readonly stdout: OutputStream;
  /** Where messages go. */
  readonly stderr: OutputStream;
  /** Whether to use colour. Default: by the stream and `NO_COLOR`, `FORCE_COLOR`, `TERM`. */
  readonly color?: boolean | undefined;
  /** The environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const DEFAULT_WIDTH = 80;

/** Makes a {@link Terminal}. */
export function createTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr, env } = options;
  const styler = (stream: OutputStream): Terminal["style"] => {
    const on = options.color ?? colorOf(stream, env);
    return (style, text) => (on ? styleText(style, text, { validateStream: false }) : text);
  };
  const live = stderr.isTTY === true && env["TERM"] !== "dumb";
  let shown = "";
  const clear = (): void => {
    if (shown !== "") stderr.write("\r\u001b[2K");
  };
  const write = (stream: OutputStream, text: string): void => {
    clear();
    stream.write(`${text}\n`);
    if (shown !== "") stderr.write(shown);
  };
  return {
    live,
    columns: Math.max(40, stderr.columns || DEFAULT_WIDTH),
    width: stdout.isTTY === true ? Math.max(20, stdout.columns || DEFAULT_WIDTH) : Number.POSITIVE_INFINITY,
    style: styler(stdout),
    mark: styler(stderr),
    print: (line = "") => write(stdout, line),
    printText: (text) => write(stdout, fitted(stdout, visible(text))),
    tell: (line = "") => write(stderr, fitted(stderr, visible(line))),
    status(line) {
      if (!live) return;
      clear();
      shown = line;
      stderr.write(line);
    },
  };
}

/** A text whose control characters are shown as escapes: the name of a file may hold any, and a terminal would obey them. */
export function visible(text: string): string {
  return text.replace(/\p{Cc}/gu, (char, at: number) => {
    const isKept =
      char === "\n" || char === "\t" || (char === ESCAPE && COLOUR.test(text.slice(at + 1, at + 20)));
    return isKept ? char : escaped(char);
  });
}

const ESCAPE = "\u001b";
const COLOUR = /^\[[0-9;]*m/;

/** The same for a name, which is shown on one line. */
export function visibleName(name: string): string {
  return name.replace(/\p{Cc}/gu, escaped);
}

function escaped(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** A text broken to fit a terminal; unchanged for any other stream, so that it can be searched line by line. */
export function fitted(stream: OutputStream, text: string): string {
  return stream.isTTY === true ? wrapText(text, stream.columns || DEFAULT_WIDTH).join("\n") : text;
}

/** https://no-color.org and https://force-color.org */
function colorOf(stream: OutputStream, env: TerminalOptions["env"]): boolean {
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  if ((env["FORCE_COLOR"] ?? "") !== "") return env["FORCE_COLOR"] !== "0";
  return stream.isTTY === true && env["TERM"] !== "dumb";
}
