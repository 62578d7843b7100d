import type { Command, Option } from "commander";
import {
  argumentOf,
  commandsOf,
  flagsOf,
  namesOf,
  quote,
  SCHEMES,
  takesAll,
  type ValueKind,
  valueKindOf,
} from "./completion-words.ts";

/** The function that completes a place. */
const PLACE = "_parquetry_place";

const REPEATABLE: ReadonlySet<string | undefined> = new Set(["--include", "--exclude", "--where"]);

/** The script for zsh. */
export function zshCompletion(program: Command): string {
  const name = program.name();
  const commands = commandsOf(program);
  const branches = commands.map((command) => {
    const argument = argumentOf(program, command);
    const count = takesAll(command) ? "*" : "1";
    const rest = argument === undefined ? [] : [quote(`${count}:${nameOf(argument)}:${actionOf(argument)}`)];
    const specs = [...flagsOf(program, command).flatMap(flagSpecs), HELP, ...rest];
    return `    ${command.name()}) _arguments -s ${specs.join(" ")} ;;`;
  });
  const described = commands.map((command) => `    ${quote(`${command.name()}:${command.description()}`)}`);
  const own = [...program.options.flatMap(flagSpecs), HELP].join(" ");
  return `#compdef ${name}
# zsh completion for ${name}: source <(${name} completion zsh), after compinit
${PLACE}() {
  _alternative 'folders:folder:_files -/' 'addresses:address:compadd -S "" ${SCHEMES.join(" ")}'
}
_${name}() {
  local context state line curcontext="$curcontext"
  local -a commands
  commands=(
${described.join("\n")}
  )
  _arguments -C -s ${own} '1:command:->command' '*::argument:->argument'
  case $state in
    command) _describe command commands; return ;;
    argument) ;;
    *) return ;;
  esac
  case $line[1] in
${branches.join("\n")}
  esac
}
compdef _${name} ${name}
`;
}

const HELP = quote("(-h --help)--help[show help]");

/** What _arguments takes for a flag, one text for each of its names. */
function flagSpecs(option: Option): readonly string[] {
  const names = namesOf(option);
  const about = option.description.replace(/[[\]:\\]/g, "\\$&");
  const kind = valueKindOf(option);
  const value = kind === undefined ? "" : `:${nameOf(kind)}:${actionOf(kind)}`;
  return names.map((flag) => {
    // One that may be given again is offered again; others not, under neither of their names.
    const before = REPEATABLE.has(option.long) ? "*" : names.length > 1 ? `(${names.join(" ")})` : "";
    const equals = kind !== undefined && flag.startsWith("--") ? "=" : "";
    return quote(`${before}${flag}${equals}[${about}]${value}`);
  });
}

function nameOf(kind: ValueKind): string {
  return typeof kind === "string" ? kind : "word";
}

function actionOf(kind: ValueKind): string {
  switch (kind) {
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "place":
      return PLACE;
    case "text":
      return " ";
    default:
      return `(${kind.map((word) => word.replaceAll(":", "\\:")).join(" ")})`;
  }
}
