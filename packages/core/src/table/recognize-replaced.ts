import { createHash } from "#platform";
import type { OperationOptions, StorageBackend } from "../bytes/storage-backend.ts";
import { isStorageError } from "../bytes/storage-error.ts";
import type { DataFile } from "./data-file.ts";
import type { Manifest, ReplacedFile } from "./manifest.ts";

/**
 * Returns a manifest whose `replaced` has the ETags of this store. In a copy of a folder every file has another ETag, and a replaced
 * file that the copy contains is recognised by its size and hash. It is read once for that.
 */
export async function recognizeReplaced(
  backend: Pick<StorageBackend, "get">,
  files: readonly DataFile[],
  manifest: Manifest,
  options: OperationOptions = {},
): Promise<Manifest> {
  if (manifest.replaced === undefined) return manifest;
  const replaced: ReplacedFile[] = [];
  for (const old of manifest.replaced) {
    const file = files.find(({ name }) => name === old.name);
    const isCopy =
      file !== undefined &&
      file.info.etag !== old.etag &&
      file.info.sizeBytes === old.bytes &&
      !manifest.files?.some(({ name }) => name === old.name) &&
      (await sha256Of(backend, file, options)) === old.sha256;
    replaced.push(isCopy ? { ...old, etag: file.info.etag } : old);
  }
  return { ...manifest, replaced };
}

/** Returns the SHA-256 of a file, or undefined if it is gone by now. */
async function sha256Of(
  backend: Pick<StorageBackend, "get">,
  { info: { key, etag } }: DataFile,
  { signal }: OperationOptions,
): Promise<string | undefined> {
  try {
    const { body } = await backend.get(key, { ifMatch: etag, signal });
    const hash = createHash("sha256");
    for await (const chunk of body) hash.update(chunk);
    return hash.digest("hex");
  } catch (error) {
    if (isStorageError(error, "not_found") || isStorageError(error, "precondition_failed")) return undefined;
    throw error;
  }
}
