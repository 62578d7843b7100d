import { StorageError } from "@parquetry/core/backend";
import type { UnmatchedPattern } from "../select/selection.ts";
import { formatFiles } from "../terminal/format-amount.ts";
import type { CommandContext } from "./command-context.ts";
import type { SelectionFlags } from "./selection-flags.ts";

/** A place and the number of its selected files. */
export interface SelectedFiles {
  /** The URL of the place. */
  readonly url: string;
  /** Its selected files. */
  readonly files: number;
}

/** The flags that filter files, as given. */
export function filtersOf({ include = [], exclude = [], where = [] }: SelectionFlags): readonly string[] {
  return [
    ...include.map((glob) => `--include ${JSON.stringify(glob)}`),
    ...exclude.map((glob) => `--exclude ${JSON.stringify(glob)}`),
    ...where.map((condition) => `--where ${JSON.stringify(condition)}`),
  ];
}

/**
 * Rejects a run that selects no files: most likely the drive is not mounted or a filter is misspelt, and "everything is there"
 * would be taken for a proof. A shard may be empty.
 *
 * @param other another place, which the error mentions if it holds files.
 * @throws StorageError `invalid_argument` naming the place, and quoting the flags.
 */
export function requireSelection(flags: SelectionFlags, place: SelectedFiles, other?: SelectedFiles): void {
  if (place.files > 0 || flags.shard !== undefined) return;
  const given = filtersOf(flags);
  const there =
    other === undefined || other.files === 0 ? "" : ` (${other.url} has ${formatFiles(other.files)})`;
  throw new StorageError({
    code: "invalid_argument",
    op: "select",
    message:
      given.length === 0
        ? `No files at ${place.url}${there}. Is the drive mounted, and is the address right?`
        : `Nothing is selected: no files at ${place.url} match ${given.join(" ")}${there}. \`parquetry inventory\` lists the folders and partition keys.`,
  });
}

/** Warns of each pattern that matched nothing: a run that leaves nothing out, or takes nothing in, looks like any other. */
export function tellUnmatched(
  context: CommandContext,
  { unmatched }: { readonly unmatched: readonly UnmatchedPattern[] },
): void {
  for (const { option, pattern } of unmatched)
    context.warn(
      `--${option} ${JSON.stringify(pattern)} matches nothing. \`parquetry help filters\` explains patterns.`,
    );
}
