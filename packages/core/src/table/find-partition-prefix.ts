import { joinKey, type Key } from "../bytes/key.ts";
import type { StorageBackend } from "../bytes/storage-backend.ts";
import { StorageError } from "../bytes/storage-error.ts";
import { hasOneSpelling } from "../hive/codec.ts";
import { Partition, type PartitionEntry, parsePartitionSegment } from "../hive/partition.ts";
import { composed } from "./partition-filter.ts";

/**
 * Returns the folder of a partition in the spelling in which it exists: DuckDB and pyarrow escape more characters
 * (`Texas%20A%26M`), macOS decomposes letters, and a second folder for the same values would be the same partition twice. Costs
 * a listing for each level whose name has several spellings, and none for plain names.
 *
 * @throws StorageError `invalid_path` if the same partition exists in two spellings.
 */
export async function findPartitionPrefix(
  backend: StorageBackend,
  entity: Key,
  partition: Partition,
  signal: AbortSignal | undefined,
): Promise<Key> {
  let prefix = entity;
  for (const entry of partition.entries) {
    const canonical = Partition.of([entry]).path();
    const spellings = entry.every(hasOneSpelling) ? [] : await spellingsOf(backend, prefix, entry, signal);
    const [found, second] = spellings;
    if (found !== undefined && second !== undefined) throw twice(backend, prefix, found, second);
    prefix = joinKey(prefix, found ?? canonical);
  }
  return prefix;
}

async function spellingsOf(
  backend: StorageBackend,
  parent: Key,
  [key, value]: PartitionEntry,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { prefixes } of backend.list({ prefix: parent, delimiter: "/", signal })) {
    for (const child of prefixes) {
      const segment = child.slice(parent.length + 1);
      const entry = parsePartitionSegment(segment);
      if (entry?.[0] === key && composed(entry[1]) === composed(value)) found.push(segment);
    }
  }
  return found;
}

function twice(backend: StorageBackend, parent: Key, one: string, other: string): StorageError {
  return new StorageError({
    code: "invalid_path",
    op: "write",
    path: parent,
    backend: backend.name,
    message: `write: ${parent} holds the same partition twice, as ${JSON.stringify(one)} and as ${JSON.stringify(other)}. Move the files of one into the other, then write again.`,
  });
}
