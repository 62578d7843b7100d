import type { StorageBackend } from "@parquetry/core";
import { mapConcurrent } from "@parquetry/core/unstable";
import type { TrinoClient } from "../client/trino-client.ts";
import { quoteText } from "../client/trino-literal.ts";
import { qualified } from "./cluster-table.ts";
import { type CommittedFile, type CommittedPartition, rowsOf } from "./stored-partitions.ts";

/** Characters of paths in one query: half of Trino's default limit of a statement. */
const MAX_PATH_CHARACTERS = 500_000;
const CONCURRENCY = 16;

/** A partition of which the cluster counts other rows than are committed. */
export interface CountDifference {
  /** Its folder below the table. */
  readonly partition: string;
  readonly committed: number;
  readonly counted: number;
}

/** Counts the rows of every committed file on the cluster, and returns the partitions whose counts differ. */
export async function countDifferences(
  client: TrinoClient,
  backend: StorageBackend,
  table: string,
  location: string,
  stored: readonly CommittedPartition[],
  signal: AbortSignal | undefined,
): Promise<readonly CountDifference[]> {
  const counted = new Map<string, number>();
  const pathOf = ({ path }: CommittedFile): string => `${location}/${path}`;
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
  return compared.filter((one) => one.committed !== one.counted);
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
