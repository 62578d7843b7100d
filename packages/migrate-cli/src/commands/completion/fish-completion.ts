import type { Command, Option } from "commander";
import { argumentOf, commandsOf, quote, SCHEMES, type ValueKind, valueKindOf } from "./completion-words.ts";

/** The script for fish. */
export function fishCompletion(program: Command): string {
  const name = program.name();
  const commands = commandsOf(program);
  const names = commands.map((command) => command.name()).join(" ");
  const line = (condition: string, ...parts: readonly string[]): string =>
    [`complete -c ${name}`, condition === "" ? "" : `-n ${quote(condition)}`, ...parts]
      .filter((part) => part !== "")
      .join(" ");
  const flag = (condition: string, option: Option): string => {
    const { short, long, description } = option;
    const kind = valueKindOf(option);
    return line(
      condition,
      short ? `-s ${short.slice(1)}` : "",
      long ? `-l ${long.slice(2)}` : "",
      kind === undefined ? "" : `-r ${candidatesOf(kind)}`,
      `-d ${quote(description)}`,
    );
  };
  const ofCommands = commands.flatMap((command) => {
    const inside = `__fish_seen_subcommand_from ${command.name()}`;
    const argument = argumentOf(program, command);
    return [
      line(
        `not __fish_seen_subcommand_from ${names}`,
        `-f -a ${command.name()} -d ${quote(command.description())}`,
      ),
      line(inside, argument === undefined ? "-f" : candidatesOf(argument)),
      ...command.options.map((option) => flag(inside, option)),
    ];
  });
  return `# fish completion for ${name}: ${name} completion fish | source
${[line("", "-l help -s h -d 'show help'"), ...program.options.map((option) => flag("", option)), ...ofCommands].join("\n")}
`;
}

function candidatesOf(kind: ValueKind): string {
  switch (kind) {
    case "file":
      return "-F";
    case "folder":
      return "-f -a '(__fish_complete_directories (commandline -ct))'";
    case "place":
      return `-f -a ${quote(`(__fish_complete_directories (commandline -ct) folder) ${SCHEMES.join(" ")}`)}`;
    case "text":
      return "-f";
    default:
      return `-f -a ${quote(kind.join(" "))}`;
  }
}
