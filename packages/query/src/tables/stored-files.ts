import { mapConcurrent } from "@parquetry/core/unstable";
import { committedFiles, type PartitionFolder, untypedColumns } from "@parquetry/core/unstable/tables";
import { FETCH_CONCURRENCY, type FileSource, type StoredFile } from "../files/file-source.ts";
import { mapYielding } from "../files/map-yielding.ts";

/**
 * The committed files of partitions, as their manifests list them.
 *
 * @throws StorageError `not_found` where a manifest lists a missing file, `corrupt` where it is not a manifest.
 */
export async function storedFiles(
  folders: readonly PartitionFolder[],
  source: FileSource,
  signal: AbortSignal | undefined,
): Promise<readonly StoredFile[]> {
  const withManifest = folders.flatMap((folder) => (folder.manifest === undefined ? [] : [folder.manifest]));
  const manifests = new Map(
    await mapConcurrent(
      withManifest,
      FETCH_CONCURRENCY,
      async (info) => [info, await source.readManifest(info, signal)] as const,
    ),
  );
  const files = await mapYielding(folders, (folder) => {
    const { entries } = folder.partition;
    const manifest = folder.manifest && manifests.get(folder.manifest);
    const nullColumns = untypedColumns(manifest);
    return committedFiles(folder, manifest).map((file): StoredFile => ({ file, entries, nullColumns }));
  });
  return files.flat();
}
