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
  const { folders, levels } = await neededFolders(listing, entity, registered, signal);
  const unknown = new Set(registered?.unknown(folders) ?? []);
  const settled = await mapConcurrent(folders, CONCURRENCY, (folder) =>
    readCommitted(backend, folder, { signal, op: "sql" }, async (files) => {
      for (const file of files) checkPublished(file);
      return files;
    }),
  );
  const committed = settled.map((files = []) => files);
  return {
    files: committed.flatMap((files, i) => (unknown.has(folders[i] as PartitionFolder) ? [] : files)),
    partitions: folders.length,
    levels,
    unregistered: folders.flatMap((folder, i) =>
      unknown.has(folder) && (committed[i]?.length ?? 0) > 0 ? [folder.prefix] : [],
    ),
  };
}

/** Whether each of these files is still there, unchanged: then a reader that ran until now has read all of them. */
export async function areUnchanged(
  listing: CountedListing,
  entity: Key,
  registered: RegisteredPartitions | undefined,
  files: readonly DataFile[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (files.length === 0) return true;
  const { folders } = await neededFolders(listing, entity, registered, signal);
  const etags = new Map(folders.flatMap((folder) => folder.files.map(({ info }) => [info.key, info.etag])));
  return files.every(({ info }) => etags.get(info.key) === info.etag);
}

async function neededFolders(
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
