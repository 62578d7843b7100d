/**
 * Returns the paths of temporary files and locks that killed processes left below a data root, and removes none of them.
 *
 * @throws StorageError as `removeLeftovers` of `@parquetry/backend-local`, which removes them.
 * @example
 * ```ts
 * const left = await findLeftovers("./data");
 * ```
 */
export async function findLeftovers(root: string): Promise<readonly string[]> {
  const { removeLeftovers } = await import("@parquetry/backend-local");
  return removeLeftovers({ root, dryRun: true });
}
