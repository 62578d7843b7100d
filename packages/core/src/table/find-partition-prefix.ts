import { joinKey, type Key } from "../bytes/key.ts";
import type { StorageBackend } from "../bytes/storage-backend.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { hasOneSpelling } from "../hive/codec.ts";
import { Partition, type PartitionEntry, parsePartitionSegment } from "../hive/partition.ts";
import { composed } from "./partition-filter.ts";

/** The spellings of the partition folders in a folder, by the identity of the level. Keep it for one call only. */
export type Spellings = Map<Key, Promise<ReadonlyMap<string, readonly string[]>>>;

/**
 * Returns the folder of a partition in the spelling in which it exists: DuckDB and pyarrow escape more characters
 * (`Texas%20A%26M`), macOS decomposes letters, and a second folder for the same values would be the same partition twice. Costs
 * a listing for each level whose name has several spellings, and none for plain names.
 *
 * @param spellings keeps the listings for further partitions of the same call.
 * @throws StorageError `invalid_path` if the same partition exists in two spellings.
 */
export async function findPartitionPrefix(
  backend: StorageBackend,
  entity: Key,
  partition: Partition,
  signal: AbortSignal | undefined,
  spellings: Spellings = new Map(),
): Promise<Key> {
  let prefix = entity;
  for (const entry of partition.entries) {
    const canonical = Partition.of([entry]).path();
    const [found, second] = entry.every(hasOneSpelling)
      ? []
      : await spellingsOf(backend, prefix, entry, signal, spellings);
    if (found !== undefined && second !== undefined) throw twice(backend, prefix, found, second);
    prefix = joinKey(prefix, found ?? canonical);
  }
  return prefix;
}

async function spellingsOf(
  backend: StorageBackend,
  parent: Key,
  entry: PartitionEntry,
  signal: AbortSignal | undefined,
  spellings: Spellings,
): Promise<readonly string[]> {
  const listing = spellings.get(parent) ?? listSpellings(backend, parent, signal);
  spellings.set(parent, listing);
  return (await listing).get(identity(entry)) ?? [];
}

async function listSpellings(
  backend: StorageBackend,
  parent: Key,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for await (const { prefixes } of backend.list({ prefix: parent, delimiter: "/", signal })) {
    for (const child of prefixes) {
      const segment = child.slice(parent.length + 1);
      const entry = parsePartitionSegment(segment);
      if (entry === undefined) continue;
      const same = found.get(identity(entry));
      if (same === undefined) found.set(identity(entry), [segment]);
      else same.push(segment);
    }
  }
  return found;
}

/** The same text for all spellings of a level. */
const identity = ([key, value]: PartitionEntry): string => JSON.stringify([key, composed(value)]);

function twice(backend: StorageBackend, parent: Key, one: string, other: string): StorageError {
  return new StorageError({
    code: "invalid_path",
    op: "write",
    path: parent,
    backend: backend.name,
    message: `write: ${parent} holds the same partition twice, as ${JSON.stringify(one)} and as ${JSON.stringify(other)}. Move the files of one into the other, then write again.`,
  });
}
