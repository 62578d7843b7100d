import type { Key } from "./key.ts";
import type { OperationOptions, StorageBackend } from "./storage-backend.ts";

/**
 * Deletes all given keys; tries every key before it throws the first failure.
 *
 * @throws StorageError of the first key that could not be deleted.
 * @example
 * ```ts
 * await deleteAll(backend, oldFiles);
 * ```
 */
export async function deleteAll(
  backend: StorageBackend,
  keys: Iterable<Key> | AsyncIterable<Key>,
  options?: OperationOptions,
): Promise<void> {
  let failure: Error | undefined;
  for await (const { error } of backend.delete(keys, options)) failure ??= error;
  if (failure !== undefined) throw failure;
}
