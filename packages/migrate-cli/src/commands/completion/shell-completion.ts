import { StorageError } from "@parquetry/core/backend";
import type { Command } from "commander";
import { bashCompletion } from "./bash-completion.ts";
import { SHELLS } from "./completion-words.ts";
import { fishCompletion } from "./fish-completion.ts";
import { zshCompletion } from "./zsh-completion.ts";

/**
 * The script that teaches a shell to complete a program's commands, flags and their values, made from the program's own
 * definitions.
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
      return bashCompletion(program);
    case "zsh":
      return zshCompletion(program);
    case "fish":
      return fishCompletion(program);
    default:
      throw new StorageError({
        code: "invalid_argument",
        op: "completion",
        message: `There is no completion for ${JSON.stringify(shell)}. Expected ${SHELLS.join(", ")}.`,
      });
  }
}
