/** A word of a command, in quotes where the shell would change it. */
export function shellText(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
