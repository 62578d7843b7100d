/** Gives the second and later columns of one name a number, as the driver does: `a`, `a:1`. */
export function uniqueNames(names: readonly string[]): readonly string[] {
  const used = new Set<string>();
  return names.map((name) => {
    let unique = name;
    for (let i = 1; used.has(unique); i++) unique = `${name}:${i}`;
    used.add(unique);
    return unique;
  });
}
