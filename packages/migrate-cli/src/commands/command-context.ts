import { homedir } from "node:os";
import { join } from "node:path";
import { type HashCache, openHashCache } from "../proof/hash-cache.ts";
import { openUploadJournal, type UploadJournal } from "../run/upload-journal.ts";
import { createTerminal, type OutputStream, type Terminal } from "../terminal/terminal.ts";
import type { Interrupt } from "./interrupt.ts";

/** The version of the JSON lines' shape. It changes when a field changes its meaning or goes away. */
export const JSON_VERSION = 1;

/** What a command line program is given by the world. */
export interface CliWorld {
  /** Where results go. */
  readonly stdout: OutputStream;
  /** Where messages go. */
  readonly stderr: OutputStream;
  /** The environment; variables in it win over those of the `.env` file. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The working directory. */
  readonly cwd: string;
  /** Ctrl-C and its kin. */
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
  /** Nothing on stderr but errors. */
  readonly quiet?: boolean;
  /** More on stderr. */
  readonly verbose?: boolean;
  /** False with `--no-color`. */
  readonly color?: boolean;
}

/** What a command works with. */
export interface CommandContext extends Pick<CliWorld, "cwd" | "interrupt"> {
  /** The command's name. */
  readonly command: string;
  /** The environment, with the variables of the `.env` file. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The prefix of the variables, where one was given. */
  readonly envPrefix: string | undefined;
  /** Whether stdout is JSON lines. */
  readonly json: boolean;
  /** Whether only errors are told. */
  readonly quiet: boolean;
  /** Whether more is told. */
  readonly verbose: boolean;
  /** Where to write. */
  readonly terminal: Terminal;
  /** Writes one JSON line, where `json` is on. */
  emit(type: string, fields: Readonly<Record<string, unknown>>): void;
  /** Tells a person something, unless `quiet`. */
  note(line: string): void;
  /** Tells a person of something that may be wrong; as a JSON line where `json` is on. */
  warn(message: string): void;
  /** Opens the cache of file hashes. */
  openHashCache(): HashCache;
  /** Opens the journal of uploads in parts. */
  openUploadJournal(): UploadJournal;
}

/** Makes a {@link CommandContext}. */
export function createCommandContext(
  command: string,
  world: CliWorld,
  flags: GlobalFlags,
  env: CommandContext["env"],
): CommandContext {
  const { json = false, quiet = false, verbose = false } = flags;
  const terminal = createTerminal({
    stdout: world.stdout,
    stderr: world.stderr,
    env,
    color: flags.color === false ? false : undefined,
  });
  const emit: CommandContext["emit"] = (type, fields) => {
    if (json) terminal.print(JSON.stringify({ version: JSON_VERSION, type, command, ...fields }));
  };
  const warn: CommandContext["warn"] = (message) => {
    emit("warning", { message });
    if (!json && !quiet) terminal.tell(`${terminal.mark("yellow", "warning:")} ${message}`);
  };
  return {
    command,
    cwd: world.cwd,
    interrupt: world.interrupt,
    env,
    envPrefix: flags.envPrefix,
    json,
    quiet,
    verbose,
    terminal,
    emit,
    warn,
    note(line) {
      if (!quiet && !json) terminal.tell(line);
    },
    openHashCache: () => openHashCache(join(cacheFolder(env), "parquetry", "file-md5"), warn),
    openUploadJournal: () => openUploadJournal(join(cacheFolder(env), "parquetry", "uploads"), warn),
  };
}

/** Where a user's caches go: XDG's folder, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows. */
function cacheFolder(env: CommandContext["env"]): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = env;
  if (xdg) return xdg;
  if (process.platform === "win32" && local) return local;
  const home = env["HOME"] || homedir();
  return process.platform === "darwin" ? join(home, "Library", "Caches") : join(home, ".cache");
}
