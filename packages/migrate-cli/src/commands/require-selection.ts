import { StorageError } from "@parquetry/core/backend";
import type { SelectionFlags } from "./selection-flags.ts";

/**
 * Refuses to call nothing equal: where globs or conditions select no file on either side, they are most likely misspelt, and
 * an "equal" would be taken for a proof. A shard may be empty by right.
 *
 * @throws StorageError `invalid_argument` quoting the flags.
 */
export function requireSelection(flags: SelectionFlags, selectedFiles: number): void {
  const { include = [], where = [] } = flags;
  if (selectedFiles > 0 || flags.shard !== undefined || include.length + where.length === 0) return;
  const given = [
    ...include.map((glob) => `--include ${JSON.stringify(glob)}`),
    ...where.map((condition) => `--where ${JSON.stringify(condition)}`),
  ];
  throw new StorageError({
    code: "invalid_argument",
    op: "select",
    message: `Nothing is selected: no file on either side matches ${given.join(" ")}. \`parquetry inventory\` shows the folders and partition keys there are.`,
  });
}
