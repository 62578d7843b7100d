import type { Readable } from "node:stream";
import { StorageError } from "@parquetry/core/backend";
import { defaultCacheDirectory } from "@parquetry/core/unstable";
import { createTerminal, type OutputStream, type Terminal } from "../terminal/terminal.ts";
import type { Interrupt } from "./interrupt.ts";

/** The version of the JSON lines' shape. It changes when a field changes its meaning or is removed. */
export const JSON_VERSION = 1;

/** The streams, environment and folder that the command runs in. */
export interface CliWorld {
  /** Where SQL and shell input come from. */
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Where results go. */
  readonly stdout: OutputStream;
  /** Where messages go. */
  readonly stderr: OutputStream;
  /** The environment; its variables override those of the `.env` file. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  readonly cwd: string;
  /** Ctrl-C and SIGTERM. */
  readonly interrupt: Interrupt;
}

/** The flags that every command takes. */
export interface GlobalFlags {
  /** A file of variables instead of `.env`. */
  readonly envFile?: string;
  /** The prefix of the variables. */
  readonly envPrefix?: string;
  /** JSON lines on stdout. */
  readonly json?: boolean;
  /** Only results and errors. */
  readonly quiet?: boolean;
  /** More on stderr. */
  readonly verbose?: boolean;
  /** False with `--no-color`. */
  readonly color?: boolean;
}

/** The context that a command gets. */
export interface CommandContext extends Omit<CliWorld, "stderr"> {
  /** The command's name. */
  readonly command: string;
  /** The prefix of the variables, if one was given. */
  readonly envPrefix: string | undefined;
  /** The folder of all caches. */
  readonly cacheFolder: string;
  /** Whether stdout is JSON lines. */
  readonly json: boolean;
  /** Whether only results and errors are printed. */
  readonly quiet: boolean;
  /** Whether details are printed. */
  readonly verbose: boolean;
  /** Where to write. */
  readonly terminal: Terminal;
  /** Writes one JSON line if `json` is on. */
  emit(type: string, fields: Readonly<Record<string, unknown>>): void;
  /** Prints a message unless `quiet` or `json` is on. */
  note(line: string): void;
  /** Prints a warning; as a JSON line if `json` is on. */
  warn(message: string): void;
}

/** Makes a {@link CommandContext}. */
export function createCommandContext(
  command: string,
  world: CliWorld,
  flags: GlobalFlags,
  env: CommandContext["env"],
): CommandContext {
  const { stdin, stdout, stderr, cwd, interrupt } = world;
  const { json = false, quiet = false, verbose = false } = flags;
  const terminal = createTerminal({ stdout, stderr, env, color: flags.color === false ? false : undefined });
  const cacheFolder = defaultCacheDirectory(env);
  const emit: CommandContext["emit"] = (type, fields) => {
    if (json) terminal.print(JSON.stringify({ version: JSON_VERSION, type, command, ...fields }));
  };
  const warn: CommandContext["warn"] = (message) => {
    emit("warning", { message });
    if (!json && !quiet) terminal.tell(`${terminal.mark("yellow", "warning:")} ${message}`);
  };
  return {
    command,
    stdin,
    stdout,
    cwd,
    interrupt,
    env,
    envPrefix: flags.envPrefix,
    cacheFolder,
    json,
    quiet,
    verbose,
    terminal,
    emit,
    warn,
    note(line) {
      if (!quiet && !json) terminal.tell(line);
    },
  };
}

/** The error of a command that is used wrongly. */
export function usageError(message: string, cause?: unknown): StorageError {
  return new StorageError({ code: "invalid_argument", op: "usage", message, cause });
}

/** Thrown when the reader of the output has gone away (`| head`). It is not a failure. */
export class OutputClosed extends Error {}
