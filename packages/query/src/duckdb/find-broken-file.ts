import type { ScanFile } from "./duckdb.ts";

/**
 * Finds a file that cannot be read, where the engine's error names none: by reading one half of the files, then the half of
 * the half that fails.
 *
 * @param fails whether reading these files fails.
 */
export async function findBrokenFile(
  files: readonly ScanFile[],
  fails: (files: readonly ScanFile[]) => Promise<boolean>,
): Promise<ScanFile | undefined> {
  let suspects = files;
  if (suspects.length === 0 || !(await fails(suspects))) return undefined;
  while (suspects.length > 1) {
    const half = suspects.slice(0, Math.ceil(suspects.length / 2));
    suspects = (await fails(half)) ? half : suspects.slice(half.length);
  }
  return suspects[0];
}
