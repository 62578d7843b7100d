import { invalid } from "./check-arguments.ts";

/**
 * Checks the column names of a table or struct.
 *
 * @throws StorageError `invalid_argument` where {@link findNameProblem} finds one.
 */
export function checkNames(names: readonly string[], op: string): void {
  const problem = findNameProblem(names);
  if (problem !== undefined) throw invalid(op, problem);
}

/**
 * Returns why some reader would confuse or lose a column: an empty name, `__proto__`, half a surrogate pair, or two names
 * that differ only in case. Undefined where all names are safe.
 */
export function findNameProblem(names: readonly string[]): string | undefined {
  const seen = new Map<string, string>();
  for (const name of names) {
    if (name === "" || name === "__proto__") return `${JSON.stringify(name)} cannot be a column name`;
    if (!name.isWellFormed()) return `the column name ${JSON.stringify(name)} contains half a surrogate pair`;
    const other = seen.get(name.toLowerCase());
    if (other !== undefined)
      return `the columns ${JSON.stringify(other)} and ${JSON.stringify(name)} are the same name to DuckDB and Spark; rename one`;
    seen.set(name.toLowerCase(), name);
  }
  return undefined;
}
