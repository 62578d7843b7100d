import type { Argument, Command, Option } from "commander";
import { HELP_TOPICS } from "../help-topics.ts";

/** The shells that there is a completion for. */
export const SHELLS: readonly string[] = ["bash", "zsh", "fish"];

/** The beginnings of an address that is no path. */
export const SCHEMES: readonly string[] = ["s3://", "r2://"];

/** What a value can be: some words, a path, a place (a folder or an address), or nothing that a shell could know. */
export type ValueKind = "file" | "folder" | "place" | "text" | readonly string[];

/** Every command that is shown. */
export function commandsOf(program: Command): readonly Command[] {
  return program.commands.filter((command) => command.name() !== "*");
}

/** The flags of a command and those of the program, which every command takes. */
export function flagsOf(program: Command, command: Command): readonly Option[] {
  return [...command.options, ...program.options];
}

/** How a flag is written: `-q`, `--quiet`. */
export function namesOf({ short, long }: Option): readonly string[] {
  return [short, long].filter((name) => name !== undefined && name !== null);
}

/** What follows a flag, by the name of its value in the help; undefined for a flag that stands alone. */
export function valueKindOf({ flags, required }: Option): ValueKind | undefined {
  return required ? kindOf(/<(.*)>/.exec(flags)?.[1] ?? "") : undefined;
}

/** What follows a command beside its flags; undefined where nothing does. */
export function argumentOf(program: Command, command: Command): ValueKind | undefined {
  const [argument] = command.registeredArguments;
  if (argument === undefined) return undefined;
  if (command.name() !== "help") return kindOf(argument.name());
  return [...commandsOf(program).map((other) => other.name()), ...HELP_TOPICS.map(({ name }) => name)];
}

/** Whether an argument takes all the words that follow. */
export function takesAll(command: Command): boolean {
  return command.registeredArguments.some(({ variadic }: Argument) => variadic);
}

function kindOf(valueName: string): ValueKind {
  switch (valueName) {
    // What is handed on to the other executable: SQL, or a file with it.
    case "args":
    case "file":
      return "file";
    case "dir":
      return "folder";
    case "uri":
    case "place":
      return "place";
    case "level":
      return ["etag", "sample:5%", "full"];
    case "shell":
      return SHELLS;
    default:
      return "text";
  }
}

/** A text in single quotes, for any of the three shells. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
