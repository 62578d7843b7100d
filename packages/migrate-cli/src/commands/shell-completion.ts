import type { Argument, Command, Option } from "commander";
import { HELP_TOPICS } from "./help-topics.ts";

/** Completions by the name of a value in the help: words, or `:file` and `:dir` for paths, which the shell completes. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  file: [":file"],
  sql: [":file"],
  dir: [":dir"],
  uri: [":dir", "s3://", "r2://"],
  place: [":dir", "s3://", "r2://"],
  level: ["etag", "sample:5%", "full"],
};

/** Completes the last word of a line: words with a description after a tab, and `:file` or `:dir` for paths. */
export function completeLine(program: Command, line: string, shell: string): readonly string[] {
  const words = line.trimStart().split(/\s+/).slice(1);
  const current = words.pop() ?? "";
  let command = program;
  let argument = 0;
  let open: Option | undefined;
  const flags = () => [...new Set([...command.options, ...program.options])].filter(({ hidden }) => !hidden);
  for (const word of words) {
    const flag = flags().find(({ long, short }) => word === long || word === short);
    if (open !== undefined) open = undefined;
    else if (flag !== undefined) open = flag.required ? flag : undefined;
    else if (command !== program) argument += word.startsWith("-") ? 0 : 1;
    else command = program.commands.find((each) => each.name() === word) ?? program;
  }
  const matching = (found: readonly string[], typed: string, before = ""): readonly string[] =>
    found.filter((each) => each.startsWith(":") || each.startsWith(typed)).map((each) => before + each);
  const [, name = "", value] = /^(--[\w-]+)=(.*)$/.exec(current) ?? [];
  const flag = open ?? flags().find(({ long }) => long === name);
  // Bash and zsh replace only what follows the "=".
  if (flag !== undefined)
    return matching(
      valuesOf(flag),
      value ?? current,
      value !== undefined && shell === "fish" ? `${name}=` : "",
    );
  const commands = program.commands.map((each) => `${each.name()}\t${each.description()}`);
  if (current.startsWith("-"))
    return matching(
      [...flags().map((each) => `${each.long}\t${each.description}`), "--help\tshow help"],
      current,
    );
  if (command === program) return matching(commands, current);
  const expected = command.registeredArguments[argument];
  if (expected?.name() === "topic")
    return matching([...commands, ...HELP_TOPICS.map((each) => each.name)], current);
  return expected === undefined ? [] : matching(valuesOf(expected), current);
}

function valuesOf(taker: Option | Argument): readonly string[] {
  const name = "flags" in taker ? (/<(.*)>/.exec(taker.flags)?.[1] ?? "") : taker.name();
  return taker.argChoices ?? VALUES[name] ?? [];
}

/** The scripts that make a shell ask {@link completeLine}. */
export const COMPLETION_SCRIPTS: Readonly<Record<string, string>> = {
  bash: `_parquetry() {
  local found current=\${COMP_WORDS[COMP_CWORD]}
  [[ $current == "=" ]] && current=
  COMPREPLY=()
  while IFS=$'\\t' read -r found _; do
    case $found in
      :file) COMPREPLY+=($(compgen -f -- "$current")) ;;
      :dir) COMPREPLY+=($(compgen -d -- "$current")) ;;
      *) COMPREPLY+=("$found") ;;
    esac
  done < <(parquetry completion bash --line "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  [[ \${COMPREPLY[0]} == *:// ]] && compopt -o nospace 2>/dev/null
}
complete -o filenames -F _parquetry parquetry`,
  zsh: `#compdef parquetry
_parquetry() {
  local found; local -a words_found suffix
  [[ $words[CURRENT] == -*=* ]] && compset -P '*='
  while IFS= read -r found; do
    case $found in
      :file) _files ;;
      :dir) _files -/ ;;
      *) [[ $found == *:// ]] && suffix=(-S "")
        found=\${found//:/\\\\:}; words_found+=("\${found/$'\\t'/:}") ;;
    esac
  done < <(parquetry completion zsh --line "\${(j: :)words[1,CURRENT]}" 2>/dev/null)
  (( $#words_found )) && _describe parquetry words_found $suffix
}
compdef _parquetry parquetry`,
  fish: `function __parquetry_complete
  for found in (parquetry completion fish --line (commandline -cp | string collect) 2>/dev/null)
    switch $found
      case :file; __fish_complete_path (commandline -ct)
      case :dir; __fish_complete_directories (commandline -ct) folder
      case '*'; echo $found
    end
  end
end
complete -c parquetry -f -a '(__parquetry_complete)'`,
};
