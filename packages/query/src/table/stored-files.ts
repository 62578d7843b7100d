import { committedFiles, type PartitionFolder } from "@parquetry/core";
import { mapConcurrent } from "@parquetry/core/backend";
import { FETCH_CONCURRENCY, type FileSource, type StoredFile } from "../files/file-source.ts";

/**
 * The files of partitions that count, by their manifests.
 *
 * @throws StorageError `not_found` where a manifest names a file that is gone, `corrupt` where it is no manifest.
 */
export async function storedFiles(
  folders: readonly PartitionFolder[],
  source: FileSource,
  signal: AbortSignal | undefined,
): Promise<readonly StoredFile[]> {
  const files = await mapConcurrent(folders, FETCH_CONCURRENCY, async (folder) => {
    const { manifest, partition } = folder;
    const parsed = manifest === undefined ? undefined : await source.readManifest(manifest, signal);
    return committedFiles(folder, parsed).map((file) => ({ file, entries: partition.entries }));
  });
  return files.flat();
}
