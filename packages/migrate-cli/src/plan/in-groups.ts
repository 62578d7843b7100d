/** How many items a group has at most. */
const GROUP_ITEMS = 64;

/** A group ends once its files have this size, in bytes. */
const GROUP_BYTES = 1024 * 1024;

/** Files that are larger are read by themselves, several concurrently, in bytes. */
const MAX_TOGETHER_BYTES = 1024 * 1024;

/**
 * Cuts a batch into groups of items whose files are hashed together, in the same order. An item whose file cannot be hashed together
 * with others has a group without any other item.
 *
 * @param bytesOf returns the bytes to hash; 0 for an item that needs nothing; undefined for one that is never judged together with others.
 */
export function inGroups<T>(
  batch: readonly T[],
  bytesOf: (item: T) => number | undefined,
): readonly (readonly T[])[] {
  const groups: T[][] = [];
  let group: T[] = [];
  let groupBytes = 0;
  const end = (): void => {
    if (group.length > 0) groups.push(group);
    group = [];
    groupBytes = 0;
  };
  for (const item of batch) {
    const bytes = bytesOf(item);
    const isAlone = bytes === undefined || bytes > MAX_TOGETHER_BYTES;
    if (isAlone) end();
    group.push(item);
    groupBytes += bytes ?? 0;
    if (isAlone || group.length >= GROUP_ITEMS || groupBytes >= GROUP_BYTES) end();
  }
  end();
  return groups;
}
