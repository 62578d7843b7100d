import type { Key } from "../bytes/key.ts";
import type { ObjectInfo, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError, StorageError } from "../bytes/storage-error.ts";
import type { Partition } from "../hive/partition.ts";
import { committedFiles, isOwnFile } from "./committed-files.ts";
import type { DataFile } from "./data-file.ts";
import { type Manifest, parseManifest } from "./manifest.ts";
import { listPartitionFolder } from "./partition-tree.ts";
import { recognizeReplaced } from "./recognize-replaced.ts";

/** The content of a partition's folder before a write. */
export interface PartitionState {
  /**
   * `empty`: neither data nor manifest. `foreign`: files of another system without a manifest, or with one that lists none.
   * `bare`: only files named by Parquetry and no manifest, as in an incomplete copy. `committed`: a manifest lists the files.
   */
  readonly kind: "empty" | "foreign" | "bare" | "committed";
  /** The folder. */
  readonly prefix: Key;
  /** The files that may hold rows. */
  readonly files: readonly DataFile[];
  /** The files that plain readers ignore until they are published, each by the name that it then gets. */
  readonly pending: readonly DataFile[];
  /**
   * Returns the committed ones among them.
   *
   * @throws StorageError `not_found` if the manifest names a file that does not exist.
   */
  committed(): readonly DataFile[];
  /** The manifest, where there is one. */
  readonly manifest: Manifest | undefined;
  /** The version of `_manifest.json` for the compare-and-swap, if it exists. */
  readonly manifestInfo: ObjectInfo | undefined;
  /** The `manifest.json` that a commit removes, if it exists. */
  readonly oldManifest: ObjectInfo | undefined;
}

/** How often a partition is listed if it is replaced each time while it is being read. */
const MAX_LOOKS = 8;

/**
 * Reads the state of the folder of a partition that is to be written; a `leaf` may have no deeper partitions below it.
 *
 * @throws StorageError `invalid_path` if there are deeper partitions; `corrupt` for a broken manifest; `conflict` if other
 * writers replace the partition every time.
 */
export async function readPartitionState(
  backend: StorageBackend,
  prefix: Key,
  partition: Partition,
  signal: AbortSignal | undefined,
  depth: "leaf" | "below too" = "leaf",
): Promise<PartitionState> {
  for (let look = 1; ; look++) {
    const folder = await listPartitionFolder(backend, { prefix, partition }, signal);
    const { files, pending } = folder ?? { files: [], pending: [] };
    const [deeper] = folder?.below ?? [];
    if (deeper !== undefined && depth === "leaf") throw hasDeeper(backend, prefix, deeper);
    if (folder?.manifest === undefined) {
      const committed = folder === undefined ? [] : committedFiles(folder, undefined);
      const kind = committed.length === 0 ? "empty" : committed.some(isOwn) ? "bare" : "foreign";
      return {
        kind,
        prefix,
        files,
        pending,
        committed: () => committed,
        manifest: undefined,
        manifestInfo: undefined,
        oldManifest: undefined,
      };
    }
    try {
      const { key, etag } = folder.manifest;
      const { info, body } = await backend.get(key, { ifMatch: etag, signal });
      const stored = parseManifest(await body.bytes(), key);
      const manifest = await recognizeReplaced(backend, files, stored, { signal });
      const kind = manifest.files === undefined ? "foreign" : "committed";
      const committed = (): readonly DataFile[] => committedFiles(folder, manifest);
      // A directory is listed name by name, so the manifest can be newer than the names: it then names a file that the
      // listing lacks. If every listing lacks it, the file is lost, which matters only to a write that keeps it.
      if (look < MAX_LOOKS) committed();
      const { oldManifest } = folder;
      const manifestInfo = folder.manifest === oldManifest ? undefined : info;
      return { kind, prefix, files, pending, committed, manifest, manifestInfo, oldManifest };
    } catch (error) {
      const moved = isStorageError(error, "not_found") || isStorageError(error, "precondition_failed");
      if (!moved) throw error;
      if (look === MAX_LOOKS) throw lostTo(backend, prefix, error);
    }
  }
}

/** Returns the error of a write that lost to another writer. */
export function lostTo(backend: StorageBackend, prefix: Key, cause: unknown): StorageError {
  return new StorageError({
    code: "conflict",
    op: "write",
    path: prefix,
    backend: backend.name,
    message: `write: another writer committed ${prefix} first; nothing of this write remains. Read the partition again, then decide whether to write, or pass onConflict: "retry".`,
    cause,
  });
}

function hasDeeper(backend: StorageBackend, prefix: Key, deeper: Key): StorageError {
  return new StorageError({
    code: "invalid_path",
    op: "write",
    path: prefix,
    backend: backend.name,
    message: `write: ${prefix} has deeper partitions below it, such as ${deeper}. Write to those, or choose another entity.`,
  });
}

const isOwn = ({ name }: DataFile): boolean => isOwnFile(name);
