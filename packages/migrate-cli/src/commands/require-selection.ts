import { StorageError } from "@parquetry/core/backend";
import { formatFiles } from "../terminal/format-amount.ts";
import type { SelectionFlags } from "./selection-flags.ts";

/** A place, and how many of its files are selected. */
export interface SelectedFiles {
  /** The place, for people. */
  readonly url: string;
  /** Its selected files. */
  readonly files: number;
}

/** The flags that leave files out, as they were given. */
export function filtersOf({ include = [], exclude = [], where = [] }: SelectionFlags): readonly string[] {
  return [
    ...include.map((glob) => `--include ${JSON.stringify(glob)}`),
    ...exclude.map((glob) => `--exclude ${JSON.stringify(glob)}`),
    ...where.map((condition) => `--where ${JSON.stringify(condition)}`),
  ];
}

/**
 * Refuses to call nothing "everything": where no file is selected, the drive is most likely not mounted or something is
 * misspelt, and an "everything is there" would be taken for a proof. A shard may be empty by right.
 *
 * @param other a place that is told of, where it holds files.
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
        ? `There is no file at ${place.url}${there}. Is the drive mounted, and is the address right?`
        : `Nothing is selected: no file at ${place.url} matches ${given.join(" ")}${there}. \`parquetry inventory\` shows the folders and partition keys there are.`,
  });
}
