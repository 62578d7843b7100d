import { sleep as pause } from "#platform";
import { joinKey } from "../bytes/key.ts";
import type { OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import { preconditionFailed } from "../bytes/write-errors.ts";
import { committedFiles, isOwnFile } from "./committed-files.ts";
import { type DataFile, MANIFEST_NAME } from "./data-file.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { listPartitionFolder, type PartitionFolder } from "./partition-tree.ts";

/** How often a partition is listed if it is replaced each time while it is being read. */
const MAX_LOOKS = 16;
/** After this many equal listings, a missing file that the manifest names is lost, and not late, replaced or renamed. */
const LISTINGS_OF_A_LOSS = 3;
/** The longest pause between two looks. The first looks follow each other at once, the pauses then grow. */
const MAX_PAUSE_MS = 100;

/** The committed files of a partition, as one version. */
export type CommittedReader<T> = (files: readonly DataFile[], manifest: Manifest | undefined) => Promise<T>;

/**
 * Reads the committed files of a partition as one version: if a writer replaces the partition in the meantime, it is listed and
 * read again, so that all files are from before or all from after the replacement.
 *
 * @param read reads the files; `not_found` and `precondition_failed` mean that one of them was replaced.
 * @returns undefined where the folder has been deleted.
 * @throws StorageError what `read` throws; `corrupt` for a damaged manifest; `not_found` that names a file which the manifest lists
 * and which is gone; `conflict` if writers replace the partition every time.
 * @example
 * ```ts
 * const rows = await readCommitted(backend, folder, { op: "readIndex" }, (files) => mapConcurrent(files, 8, readRows));
 * ```
 */
export async function readCommitted<T>(
  backend: StorageBackend,
  folder: PartitionFolder,
  options: OperationOptions & { readonly op?: string },
  read: CommittedReader<T>,
): Promise<T | undefined> {
  let seen = folder;
  let sameListing = 1;
  for (let look = 1; ; look++) {
    let lost: StorageError | undefined;
    try {
      const { files, manifest } = await currentFiles(backend, seen, options);
      return await read(files, manifest);
    } catch (error) {
      const moved = isStorageError(error, "not_found") || isStorageError(error, "precondition_failed");
      if (!moved) throw error;
      if (look === MAX_LOOKS) throw stillMoving(backend, folder, options.op, error);
      if (isStorageError(error, "not_found") && seen.manifest !== undefined) lost = error;
    }
    const { signal } = options;
    // An aborted pause ends early, and the listing throws.
    if (look > 2) await pause(Math.min(2 ** (look - 2), MAX_PAUSE_MS), undefined, { signal }).catch(() => {});
    const fresh = await listPartitionFolder(backend, folder, signal);
    if (fresh === undefined) return undefined;
    sameListing = versionOf(fresh) === versionOf(seen) ? sameListing + 1 : 1;
    // The same manifest before, during and after, and the same files: no write has replaced or renamed the file.
    if (lost !== undefined && sameListing === LISTINGS_OF_A_LOSS) throw lost;
    seen = fresh;
  }
}

/** Identifies what a listing of a folder shows. */
function versionOf({ manifest, files, pending }: PartitionFolder): string {
  return JSON.stringify([manifest?.etag, ...[...files, ...pending].map(({ info }) => info.key)]);
}

async function currentFiles(
  backend: StorageBackend,
  folder: PartitionFolder,
  options: OperationOptions & { readonly op?: string },
): Promise<{ readonly files: readonly DataFile[]; readonly manifest: Manifest | undefined }> {
  const { manifest } = folder;
  if (manifest === undefined) {
    const files = committedFiles(folder, undefined);
    if (folder.files.some(({ name }) => isOwnFile(name))) await checkNoManifest(backend, folder, options);
    return { files, manifest: undefined };
  }
  const { body } = await backend.get(manifest.key, {
    ifMatch: manifest.etag,
    mayReuseMemory: true,
    signal: options.signal,
  });
  const parsed = parseManifest(await body.bytes(), manifest.key);
  return { files: committedFiles(folder, parsed), manifest: parsed };
}

/**
 * Parquetry's files without a manifest are a copied folder, unless the listing was taken in the middle of a commit: then
 * the manifest exists by now, and the folder must be listed again.
 */
async function checkNoManifest(
  backend: StorageBackend,
  folder: PartitionFolder,
  { signal, op = "readIndex" }: OperationOptions & { readonly op?: string },
): Promise<void> {
  const key = joinKey(folder.prefix, MANIFEST_NAME);
  try {
    await backend.head(key, { signal });
  } catch (error) {
    if (isStorageError(error, "not_found")) return;
    throw error;
  }
  throw preconditionFailed(backend.name, op, key, "none");
}

function stillMoving(
  backend: StorageBackend,
  folder: PartitionFolder,
  op = "readIndex",
  cause: unknown,
): StorageError {
  return new StorageError({
    code: "conflict",
    op,
    path: folder.prefix,
    backend: backend.name,
    retry: "safe",
    message: `${op}: ${folder.prefix} was replaced ${MAX_LOOKS} times while it was being opened. Retry once its writers have finished.`,
    cause,
  });
}
