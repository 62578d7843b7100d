/**
 * A name in the form in which DuckDB compares names: it ignores the case of ASCII letters only, so that `Year` and `year` are one
 * name, and `É` and `é` are two.
 */
export function foldName(name: string): string {
  return /[A-Z]/.test(name) ? name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : name;
}
