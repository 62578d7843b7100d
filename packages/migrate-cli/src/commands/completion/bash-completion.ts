import type { Command, Option } from "commander";
import {
  argumentOf,
  commandsOf,
  flagsOf,
  namesOf,
  quote,
  SCHEMES,
  type ValueKind,
  valueKindOf,
} from "./completion-words.ts";

/** The script for bash, 3.2 of macOS included. */
export function bashCompletion(program: Command): string {
  const name = program.name();
  const commands = commandsOf(program);
  const branches = commands.map((command) => {
    const flags = [...flagsOf(program, command).flatMap(namesOf), "--help"].join(" ");
    const offer = offerOf(argumentOf(program, command));
    return `    ${command.name()}) flags=${quote(flags)} offer=${quote(offer)} ;;`;
  });
  const names = commands.map((command) => command.name());
  const options = [program, ...commands].flatMap((command) => command.options);
  return `# bash completion for ${name}: source <(${name} completion bash)
_${name}_offer() {
  case $1 in
    file) COMPREPLY=($(compgen -f -- "$2")) ;;
    folder) COMPREPLY=($(compgen -d -- "$2")) ;;
    place) COMPREPLY=($(compgen -d -- "$2") $(compgen -W "${SCHEMES.join(" ")}" -- "$2"))
      [[ \${COMPREPLY[0]} == *:// ]] && compopt -o nospace 2>/dev/null ;;
    text | none) ;;
    *) COMPREPLY=($(compgen -W "$1" -- "$2")) ;;
  esac
}
_${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= flags= offer= i
  COMPREPLY=()
  # --flag=value comes in three words.
  if [[ $current == "=" ]]; then current=
  elif [[ $previous == "=" ]]; then previous=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${names.join("|")}) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $previous in
${valueBranches(name, options).join("\n")}
  esac
  case $command in
    "") flags=${quote([...program.options.flatMap(namesOf), "--help"].join(" "))} offer=${quote(names.join(" "))} ;;
${branches.join("\n")}
  esac
  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current"))
  else _${name}_offer "$offer" "$current"; fi
}
complete -o filenames -F _${name} ${name}
`;
}

/** One branch for all flags whose value is of a kind. */
function valueBranches(name: string, options: readonly Option[]): readonly string[] {
  const flags = new Map<string, Set<string>>();
  for (const option of options) {
    const kind = valueKindOf(option);
    if (kind === undefined) continue;
    const offer = offerOf(kind);
    const names = flags.get(offer) ?? new Set();
    flags.set(offer, names);
    for (const name of namesOf(option)) names.add(name);
  }
  return [...flags].map(
    ([offer, names]) => `    ${[...names].join("|")}) _${name}_offer ${quote(offer)} "$current"; return ;;`,
  );
}

function offerOf(kind: ValueKind | undefined): string {
  if (kind === undefined) return "none";
  return typeof kind === "string" ? kind : kind.join(" ");
}
