import type { Key, Partition, StorageBackend } from "@parquetry/core";
import { type ListOptions, type ListPage, StorageError } from "@parquetry/core/backend";
import { mapConcurrent } from "@parquetry/core/unstable";
import {
  type DataFile,
  type PartitionFolder,
  readCommitted,
  walkPartitions,
} from "@parquetry/core/unstable/tables";
import type { TableStats } from "@parquetry/query/unstable";
import type { RegisteredPartitions } from "./registered-partitions.ts";

const CONCURRENCY = 32;

/** The committed files of a table that a query can need. */
export interface CommittedFiles {
  readonly files: readonly DataFile[];
  readonly partitions: number;
  /** The choice of partitions at each level that the query filters by. */
  readonly levels: TableStats["levels"];
  /** Committed partitions that Trino does not know. */
  readonly unregistered: readonly string[];
}

/** Lists a store and counts the requests. */
export class CountedListing {
  readonly #backend: StorageBackend;
  readonly #onRequest: (requests: number) => void;
  /** The pages that were listed: one request each. */
  requests = 0;

  constructor(backend: StorageBackend, onRequest: (requests: number) => void) {
    this.#backend = backend;
    this.#onRequest = onRequest;
  }

  async *list(options?: ListOptions): AsyncGenerator<ListPage> {
    for await (const page of this.#backend.list(options)) {
      this.#onRequest(++this.requests);
      yield page;
    }
  }
}

/**
 * Lists the committed files of the partitions that a query can need, of each partition all of one version.
 *
 * @throws StorageError `conflict` where a write has not been finished.
 */
export async function committedPaths(
  backend: StorageBackend,
  listing: CountedListing,
  entity: Key,
  registered: RegisteredPartitions | undefined,
  signal: AbortSignal | undefined,
): Promise<CommittedFiles> {
  if (registered?.isUnneeded === true) return NOTHING;
  const { folders, levels } = await foldersInRange(listing, entity, registered, signal);
  const { needed, unknown } = registered?.divide(folders) ?? { needed: folders, unknown: [] };
  const committedIn = (some: readonly PartitionFolder[]): Promise<readonly (readonly DataFile[])[]> =>
    mapConcurrent(some, CONCURRENCY, async (folder) => {
      const files = await readCommitted(backend, folder, { signal, op: "sql" }, async (found) => {
        for (const file of found) checkPublished(file);
        return found;
      });
      return files ?? [];
    });
  const unregistered = await committedIn(unknown);
  const files = await committedIn(needed);
  const chosen = { key: registered?.names.join("/") ?? "", kept: needed.length, total: folders.length };
  return {
    files: files.flat(),
    partitions: needed.length,
    levels: needed.length < folders.length ? [...levels, chosen] : levels,
    unregistered: unknown.flatMap(({ prefix }, i) => ((unregistered[i]?.length ?? 0) > 0 ? [prefix] : [])),
  };
}

const NOTHING: CommittedFiles = { files: [], partitions: 0, levels: [], unregistered: [] };

/** Whether each of these files is still there, unchanged: then a reader that ran until now has read all of them. */
export async function areUnchanged(
  listing: CountedListing,
  entity: Key,
  registered: RegisteredPartitions | undefined,
  files: readonly DataFile[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (files.length === 0) return true;
  const { folders } = await foldersInRange(listing, entity, registered, signal);
  const etags = new Map(folders.flatMap((folder) => folder.files.map(({ info }) => [info.key, info.etag])));
  return files.every(({ info }) => etags.get(info.key) === info.etag);
}

async function foldersInRange(
  listing: CountedListing,
  entity: Key,
  registered: RegisteredPartitions | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly folders: readonly PartitionFolder[]; readonly levels: TableStats["levels"] }> {
  const levels: TableStats["levels"][number][] = [];
  const pruneKeys = new Set(registered?.filterKeys);
  const prune = (level: readonly Partition[]): readonly boolean[] => {
    const kept = registered?.prune(level) ?? level.map(() => true);
    const key = level[0]?.entries.at(-1)?.[0] ?? "";
    // Trino's names are in lower case. As the folders have it, the walk knows when it has seen the last one.
    if (pruneKeys.delete(key.toLowerCase())) {
      pruneKeys.add(key);
      levels.push({ key, kept: kept.filter(Boolean).length, total: kept.length });
    }
    return kept;
  };
  const options = pruneKeys.size === 0 ? {} : { prune, pruneKeys };
  const { folders } = await walkPartitions(listing, entity, { signal, ...options });
  return { folders, levels };
}

/** Trino does not read a file whose writer has committed it and not given it its final name yet. */
function checkPublished({ info }: DataFile): void {
  const name = info.key.slice(info.key.lastIndexOf("/") + 1);
  if (!/^[_.]/.test(name)) return;
  throw new StorageError({
    code: "precondition_failed",
    op: "sql",
    path: info.key,
    message: `sql: ${info.key} is committed, and its writer has not renamed it yet. If the writer was killed, run parquetry repair.`,
  });
}
