import { StorageError } from "@parquetry/core/backend";
import type { Command, Option } from "commander";
import { HELP_TOPICS } from "./help-topics.ts";

/** The shells that {@link shellCompletion} writes for. */
export const SHELLS: readonly string[] = ["bash", "zsh", "fish"];

/**
 * The script that teaches a shell to complete a program's commands and flags, made from the program's own definitions.
 *
 * @throws StorageError `invalid_argument` for another shell.
 * @example
 * ```sh
 * source <(parquetry completion bash)
 * ```
 */
export function shellCompletion(program: Command, shell: string): string {
  switch (shell) {
    case "bash":
      return bashScript(program);
    case "zsh":
      return zshScript(program);
    case "fish":
      return fishScript(program);
    default:
      throw new StorageError({
        code: "invalid_argument",
        op: "completion",
        message: `There is no completion for ${JSON.stringify(shell)}. Expected ${SHELLS.join(", ")}.`,
      });
  }
}

function visible(program: Command): readonly Command[] {
  return program.commands.filter((command) => command.name() !== "*");
}

/** A command's flags and those of the program, which every command takes. */
function flagsOf(program: Command, command: Command): readonly Option[] {
  return [...command.options, ...program.options];
}

/** What may follow a command beside flags; undefined where it is a file. */
function wordsOf(program: Command, command: string): readonly string[] | undefined {
  if (command === "completion") return SHELLS;
  if (command === "help") {
    return [...visible(program).map((other) => other.name()), ...HELP_TOPICS.map(({ name }) => name)];
  }
  return undefined;
}

function names({ short, long }: Option): readonly string[] {
  return [short, long].filter((name) => name !== undefined && name !== null);
}

function bashScript(program: Command): string {
  const name = program.name();
  const commands = visible(program);
  const takesValue = [program, ...commands]
    .flatMap(({ options }) => options)
    .filter(({ required }) => required)
    .flatMap(names);
  const branch = (command: Command): string => {
    const words = wordsOf(program, command.name());
    const flags = [...flagsOf(program, command).flatMap(names), "--help"];
    return `    ${command.name()}) flags=${quote(flags.join(" "))} words=${quote(words?.join(" ") ?? "")} ;;`;
  };
  return `# bash completion for ${name}: source <(${name} completion bash)
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= flags= words= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${commands.map((command) => command.name()).join("|")}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $previous in
    ${[...new Set(takesValue)].join("|")}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  case $command in
    "") flags=${quote([...program.options.flatMap(names), "--help"].join(" "))} words=${quote(commands.map((command) => command.name()).join(" "))} ;;
${commands.map(branch).join("\n")}
  esac
  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current"))
  elif [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$current"))
  else COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _${name} ${name}
`;
}

function zshScript(program: Command): string {
  const name = program.name();
  const commands = visible(program);
  const flag = (option: Option): readonly string[] =>
    names(option).map((flagName) => {
      const about = option.description.replace(/[[\]:\\]/g, "\\$&");
      const value = option.required ? `:${option.attributeName()}:_files` : "";
      // A repeatable flag is offered again.
      return quote(
        `${option.variadic || REPEATABLE.has(option.long ?? "") ? "*" : ""}${flagName}[${about}]${value}`,
      );
    });
  const branch = (command: Command): string => {
    const words = wordsOf(program, command.name());
    const rest = words === undefined ? "'*:file:_files'" : quote(`1:word:(${words.join(" ")})`);
    return `    ${command.name()}) _arguments ${[...flagsOf(program, command).flatMap(flag), rest].join(" ")} ;;`;
  };
  return `#compdef ${name}
# zsh completion for ${name}: source <(${name} completion zsh), after compinit
_${name}() {
  local context state line curcontext="$curcontext"
  local -a commands
  commands=(
${commands.map((command) => `    ${quote(`${command.name()}:${command.description()}`)}`).join("\n")}
  )
  _arguments -C ${program.options.flatMap(flag).join(" ")} '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands; return ;;
    argument) ;;
    *) return ;;
  esac
  case $line[1] in
${commands.map(branch).join("\n")}
  esac
}
compdef _${name} ${name}
`;
}

const REPEATABLE: ReadonlySet<string> = new Set(["--include", "--exclude", "--where"]);

function fishScript(program: Command): string {
  const name = program.name();
  const commands = visible(program);
  const all = commands.map((command) => command.name()).join(" ");
  const flag = (condition: string, { short, long, description, required }: Option): string =>
    [
      `complete -c ${name}${condition === "" ? "" : ` -n ${quote(condition)}`}`,
      short ? `-s ${short.slice(1)}` : "",
      long ? `-l ${long.slice(2)}` : "",
      required ? "-r" : "",
      `-d ${quote(description)}`,
    ]
      .filter((part) => part !== "")
      .join(" ");
  const lines = commands.flatMap((command) => {
    const inside = `__fish_seen_subcommand_from ${command.name()}`;
    const words = wordsOf(program, command.name());
    return [
      `complete -c ${name} -f -n ${quote(`not __fish_seen_subcommand_from ${all}`)} -a ${command.name()} -d ${quote(command.description())}`,
      ...(words === undefined
        ? []
        : [`complete -c ${name} -f -n ${quote(inside)} -a ${quote(words.join(" "))}`]),
      ...command.options.map((option) => flag(inside, option)),
    ];
  });
  return `# fish completion for ${name}: ${name} completion fish | source
${[...program.options.map((option) => flag("", option)), ...lines].join("\n")}
`;
}

/** A text in single quotes, for any of the three shells. */
function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
