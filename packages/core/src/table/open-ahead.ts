import { createByteBudget } from "../bytes/concurrency/byte-budget.ts";
import { mapOrdered } from "../bytes/concurrency/map-concurrent.ts";
import { WHOLE_FILE_BYTES } from "../parquet/byte-source.ts";
import type { DataFile } from "./data-file.ts";
import type { OpenFile } from "./open-partition.ts";
import type { PartitionFolder } from "./partition-tree.ts";

/** Partitions that are opened ahead while one is read. */
const OPEN_CONCURRENCY = 16;
/** The most bytes of partitions that are opened ahead; a larger partition is opened alone. */
export const AHEAD_BYTES: number = 64 * 1024 * 1024;
/** The rows of a CSV file take about this many times its size. */
const CSV_FACTOR = 8;

/** An open partition. */
export interface OpenedPartition {
  readonly folder: PartitionFolder;
  readonly files: readonly OpenFile[];
}

/**
 * Opens partitions ahead of their use, and yields them in order: at most 16, and of together at most {@link AHEAD_BYTES}. A partition
 * counts until the next one is taken.
 */
export async function* openAhead(
  folders: readonly PartitionFolder[],
  open: (folder: PartitionFolder) => Promise<readonly OpenFile[]>,
): AsyncGenerator<OpenedPartition> {
  const budget = createByteBudget(AHEAD_BYTES);
  const held = new Map<PartitionFolder, () => void>();
  let isOver = false;
  /** Admits all that wait, and lets them open nothing. */
  const end = (): void => {
    isOver = true;
    for (const release of held.values()) release();
  };
  const opened = mapOrdered(folders, OPEN_CONCURRENCY, async (folder) => {
    const release = await budget.take(folder.files.reduce((sum, file) => sum + bytesHeld(file), 0));
    held.set(folder, release);
    if (isOver) release();
    try {
      return { folder, files: isOver ? [] : await open(folder) };
    } catch (error) {
      // Those that wait come after this one, so they are never yielded.
      end();
      throw error;
    }
  });
  for await (const partition of opened) {
    let isUsed = false;
    try {
      yield partition;
      isUsed = true;
    } finally {
      // The caller takes no further ones.
      if (!isUsed) end();
      held.get(partition.folder)?.();
      held.delete(partition.folder);
    }
  }
}

/** The bytes that an open file holds: a small one, and the rows of a CSV file, are held whole. */
function bytesHeld({ format, info }: DataFile): number {
  return format === "csv" ? info.sizeBytes * CSV_FACTOR : Math.min(info.sizeBytes, WHOLE_FILE_BYTES);
}
