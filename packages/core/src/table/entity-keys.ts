import type { OperationOptions, StorageBackend } from "../backend/storage-backend.ts";
import { type Partition, parsePartitionSegment } from "../hive/partition.ts";
import type { Key } from "../key.ts";
import { StorageError } from "../storage-error.ts";
import { dataFormat, MANIFEST_NAME } from "./data-file.ts";

/** The partition keys of entities, as far as they are known: asking the store costs a listing a level. */
export type EntityKeyMemory = Map<Key, readonly string[]>;

/**
 * Refuses a new partition whose keys are not those of the entity's other partitions: readers would see a table whose
 * columns and depth differ from folder to folder.
 *
 * @throws StorageError `invalid_path` naming the keys there are.
 */
export async function checkEntityKeys(
  backend: StorageBackend,
  entity: Key,
  partition: Partition,
  memory: EntityKeyMemory,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (sameKeys(memory.get(entity), partition.keys)) return;
  // What is remembered may be out of date: others write too.
  const keys = await findEntityKeys(backend, entity, { signal });
  if (keys === undefined) {
    memory.set(entity, partition.keys);
    return;
  }
  memory.set(entity, keys);
  if (sameKeys(keys, partition.keys)) return;
  throw new StorageError({
    code: "invalid_path",
    op: "write",
    path: entity,
    backend: backend.name,
    message: `write: ${entity} is ${describe(keys)}, the new partition ${partition.path() || "(none)"} is ${describe(partition.keys)}. Write to the same keys in the same order, choose another entity, or give allowOtherKeys: true.`,
  });
}

/**
 * The keys of an entity's first partition, outermost first; undefined where it has none. One listing a level.
 */
export async function findEntityKeys(
  backend: StorageBackend,
  entity: Key,
  options: OperationOptions = {},
): Promise<readonly string[] | undefined> {
  const keys: string[] = [];
  let prefix = entity;
  for (;;) {
    let child: Key | undefined;
    let hasData = false;
    for await (const page of backend.list({ prefix, delimiter: "/", signal: options.signal })) {
      hasData ||= page.objects.some(({ key }) => isTable(key.slice(prefix.length + 1)));
      child ??= page.prefixes.find((below) => entryOf(below, prefix) !== undefined);
      if (hasData || child !== undefined) break;
    }
    if (hasData) return keys;
    if (child === undefined) return keys.length === 0 ? undefined : keys;
    const entry = entryOf(child, prefix);
    if (entry !== undefined) keys.push(entry[0]);
    prefix = child;
  }
}

const isTable = (name: string): boolean => dataFormat(name) !== undefined || name === MANIFEST_NAME;

const entryOf = (folder: Key, parent: Key): ReturnType<typeof parsePartitionSegment> =>
  parsePartitionSegment(folder.slice(parent.length + 1));

function sameKeys(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((key, i) => key === b[i]);
}

function describe(keys: readonly string[]): string {
  return keys.length === 0 ? "not partitioned" : `partitioned by ${keys.join(", ")}`;
}
