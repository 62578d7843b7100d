import { isStorageError } from "@parquetry/core";
import { mapConcurrent } from "@parquetry/core/unstable";
import {
  committedFiles,
  type DataFile,
  type Manifest,
  type PartitionFolder,
  readCommitted,
  untypedColumns,
} from "@parquetry/core/unstable/tables";
import {
  FETCH_CONCURRENCY,
  type FetchOptions,
  type FileSource,
  type StoredFile,
} from "../files/file-source.ts";
import { mapYielding } from "../files/map-yielding.ts";

/** Options of {@link storedFiles}. */
export interface StoredFilesOptions {
  readonly signal: AbortSignal | undefined;
  /** How a pinning source fetches the files as soon as it knows them. Default: it does not. */
  readonly fetch?: Omit<FetchOptions, "signal" | "onFile"> | undefined;
}

/** True for the errors of a file that a writer has replaced or deleted since it was listed. */
export function isReplaced(error: unknown): boolean {
  return isStorageError(error, "not_found") || isStorageError(error, "precondition_failed");
}

/**
 * The committed files of partitions, as their manifests list them: of each partition all of one version. A partition that is
 * replaced in the meantime is looked at again. A pinning source also fetches the files, and looks again until it has them.
 *
 * @throws StorageError `not_found` where a manifest lists a missing file, `corrupt` where it is not a manifest.
 */
export async function storedFiles(
  folders: readonly PartitionFolder[],
  source: FileSource,
  { signal, fetch }: StoredFilesOptions,
): Promise<readonly StoredFile[]> {
  const settle = async (folder: PartitionFolder): Promise<readonly StoredFile[]> => {
    const settled = await readCommitted(
      source.backend,
      folder,
      { signal, op: "sql" },
      async (files, manifest) => {
        const found = withEntries(folder, files, manifest);
        if (source.isPinning && fetch !== undefined) await source.fetch(found, { ...fetch, signal });
        return found;
      },
    );
    return settled ?? [];
  };
  if (source.isPinning) return (await mapConcurrent(folders, FETCH_CONCURRENCY, settle)).flat();

  const replaced = new Set<PartitionFolder>();
  const manifests = new Map<PartitionFolder, Manifest>();
  await mapConcurrent(
    folders.filter(({ manifest }) => manifest !== undefined),
    FETCH_CONCURRENCY,
    async (folder) => {
      if (folder.manifest === undefined) return;
      try {
        manifests.set(folder, await source.readManifest(folder.manifest, signal));
      } catch (error) {
        if (!isReplaced(error)) throw error;
        replaced.add(folder);
      }
    },
  );
  const files = await mapYielding(folders, (folder): readonly StoredFile[] => {
    if (replaced.has(folder)) return [];
    const manifest = manifests.get(folder);
    try {
      return withEntries(folder, committedFiles(folder, manifest), manifest);
    } catch (error) {
      if (!isReplaced(error)) throw error;
      replaced.add(folder);
      return [];
    }
  });
  if (replaced.size === 0) return files.flat();
  const settled = new Map(
    await mapConcurrent(
      [...replaced],
      FETCH_CONCURRENCY,
      async (folder) => [folder, await settle(folder)] as const,
    ),
  );
  return folders.flatMap((folder, i) => settled.get(folder) ?? files[i] ?? []);
}

function withEntries(
  { partition: { entries } }: PartitionFolder,
  files: readonly DataFile[],
  manifest: Manifest | undefined,
): readonly StoredFile[] {
  const nullColumns = untypedColumns(manifest);
  return files.map((file) => ({ file, entries, nullColumns }));
}
