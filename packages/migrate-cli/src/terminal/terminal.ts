import type { Writable } from "node:stream";
import { wrapText } from "./wrap-text.ts";

/** A style of a text on a terminal. */
export type TextStyle = "bold" | "dim" | "red" | "green" | "yellow";

const CODES: Readonly<Record<TextStyle, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** Where a command writes: results to stdout, messages to stderr. */
export interface Terminal {
  /** Writes a line of the result, as it is. */
  print(line?: string): void;
  /** Writes a sentence of the result: on a terminal it is broken between words, elsewhere it stays one line. */
  printText(text: string): void;
  /** Writes a line for the person at the terminal, broken between words where it is one. */
  tell(line?: string): void;
  /** Replaces the live line; `""` removes it. Does nothing where {@link Terminal.live} is false. */
  status(line: string): void;
  /** Whether stderr is a terminal that a live line can be drawn on. */
  readonly live: boolean;
  /** How many characters a line has. */
  readonly columns: number;
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
  /** Colour: as asked for by a flag, or undefined to decide by the stream and `NO_COLOR`, `FORCE_COLOR`, `TERM`. */
  readonly color?: boolean | undefined;
  /** The environment. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Makes a {@link Terminal}. */
export function createTerminal(options: TerminalOptions): Terminal {
  const { stdout, stderr, env } = options;
  const styler = (stream: OutputStream): Terminal["style"] => {
    const on = options.color ?? colorOf(stream, env);
    return (style, text) => {
      const [start, end] = CODES[style];
      return on ? `\u001b[${start}m${text}\u001b[${end}m` : text;
    };
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
    columns: Math.max(40, stderr.columns || 80),
    style: styler(stdout),
    mark: styler(stderr),
    print: (line = "") => write(stdout, line),
    printText: (text) => write(stdout, fitted(stdout, text)),
    tell: (line = "") => write(stderr, fitted(stderr, line)),
    status(line) {
      if (!live) return;
      clear();
      shown = line;
      stderr.write(line);
    },
  };
}

/** A text as it fits a stream: one that is no terminal gets what others can search line by line. */
export function fitted(stream: OutputStream, text: string): string {
  return stream.isTTY === true ? wrapText(text, stream.columns || 80).join("\n") : text;
}

/** https://no-color.org and https://force-color.org */
function colorOf(stream: OutputStream, env: TerminalOptions["env"]): boolean {
  if ((env["NO_COLOR"] ?? "") !== "") return false;
  if ((env["FORCE_COLOR"] ?? "") !== "") return env["FORCE_COLOR"] !== "0";
  return stream.isTTY === true && env["TERM"] !== "dumb";
}
