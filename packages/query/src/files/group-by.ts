import { mapYielding } from "./map-yielding.ts";

/** Groups items by name, in the order in which the names first occur. Other work runs in between, for long lists. */
export async function groupBy<T>(
  items: readonly T[],
  nameOf: (item: T) => string,
): Promise<ReadonlyMap<string, readonly T[]>> {
  const groups = new Map<string, T[]>();
  await mapYielding(items, (item) => {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  });
  return groups;
}
