import { isStorageError, type StorageBackend, StorageError } from "@parquetry/core";
import { mapConcurrent } from "@parquetry/core/unstable";
import type { TrinoClient } from "../client/trino-client.ts";
import { quoteText } from "../client/trino-literal.ts";
import { qualified } from "./cluster-table.ts";
import { type CommittedFile, type CommittedPartition, rowsOf } from "./stored-partitions.ts";

/** Characters of paths in one query: half of Trino's default limit of a statement. */
const MAX_PATH_CHARACTERS = 500_000;
const CONCURRENCY = 16;
const MAX_LOOKS = 8;

/** A partition of which the cluster counts other rows than are committed. */
export interface CountDifference {
  /** Its folder below the table. */
  readonly partition: string;
  readonly committed: number;
  readonly counted: number;
}

/**
 * Counts the rows of every committed file on the cluster, and returns the partitions whose counts differ. One that a writer replaced in
 * the meantime is counted again.
 *
 * @param list lists the partitions again.
 * @throws StorageError `conflict` where writers replace a partition each time.
 */
export async function countDifferences(
  { client, backend, table, location, signal }: CountedTable,
  stored: readonly CommittedPartition[],
  list: () => Promise<readonly CommittedPartition[]>,
): Promise<readonly CountDifference[]> {
  const found: CountDifference[] = [];
  let open = stored;
  for (let look = 1; ; look++) {
    const { different, failure } = await compare({ client, backend, table, location, signal }, open);
    if (different.length === 0) return found;
    const before = new Map(open.map((partition) => [partition.path, partition]));
    const now = new Map((await list()).map((partition) => [partition.path, partition]));
    const isMoved = ({ partition }: CountDifference): boolean =>
      versionOf(before.get(partition)) !== versionOf(now.get(partition));
    const moved = different.filter(isMoved);
    if (failure !== undefined && moved.length === 0) throw failure;
    if (failure === undefined) for (const one of different) if (!isMoved(one)) found.push(one);
    const again = failure === undefined ? moved : different;
    open = again.flatMap(({ partition }) => now.get(partition) ?? []);
    if (look === MAX_LOOKS && open.length > 0) throw moving(table, moved);
  }
}

/** The table to count. */
interface CountedTable {
  readonly client: TrinoClient;
  readonly backend: StorageBackend;
  readonly table: string;
  readonly location: string;
  readonly signal: AbortSignal | undefined;
}

/** Compares partitions. Where a file could not be read, all may differ. */
async function compare(
  { client, backend, table, location, signal }: CountedTable,
  stored: readonly CommittedPartition[],
): Promise<{ readonly different: readonly CountDifference[]; readonly failure?: StorageError }> {
  const counted = new Map<string, number>();
  const pathOf = ({ path }: CommittedFile): string => `${location}/${path}`;
  try {
    for (const paths of batches(stored.flatMap(({ files }) => files.map(pathOf)))) {
      const rows = await client.rows(
        `SELECT "$path", count(*) FROM ${qualified(client, table)} WHERE "$path" IN (${paths.map(quoteText).join(", ")}) GROUP BY 1`,
        { signal },
      );
      for (const [path, count] of rows) counted.set(String(path), Number(count));
    }
    const compared = await mapConcurrent(stored, CONCURRENCY, async ({ path, files }) => {
      const rows = await mapConcurrent(files, CONCURRENCY, (file) => rowsOf(backend, file, signal));
      return {
        partition: path,
        committed: rows.reduce((sum, each) => sum + each, 0),
        counted: files.reduce((sum, file) => sum + (counted.get(pathOf(file)) ?? 0), 0),
      };
    });
    return { different: compared.filter((one) => one.committed !== one.counted) };
  } catch (failure) {
    const mayBeReplaced =
      isStorageError(failure, "not_found") ||
      isStorageError(failure, "precondition_failed") ||
      (isStorageError(failure) && failure.storeCode?.startsWith("HIVE_") === true);
    if (!mayBeReplaced) throw failure;
    return { different: stored.map(({ path }) => ({ partition: path, committed: 0, counted: 0 })), failure };
  }
}

/** Identifies the files of a partition. */
function versionOf(partition: CommittedPartition | undefined): string {
  return JSON.stringify(partition?.files.map(({ path, file }) => [path, file.info.etag]));
}

function moving(table: string, moved: readonly CountDifference[]): StorageError {
  return new StorageError({
    code: "conflict",
    op: "register",
    backend: "trino",
    path: table,
    retry: "safe",
    message: `register: writers replaced ${moved[0]?.partition ?? "partitions"} of ${table} each of the ${MAX_LOOKS} times that its rows were counted. Check again when they are done.`,
  });
}

function* batches(paths: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let characters = 0;
  for (const path of paths) {
    if (batch.length > 0 && characters + path.length > MAX_PATH_CHARACTERS) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(path);
    characters += path.length + 4;
  }
  if (batch.length > 0) yield batch;
}
