/** How one top-level folder compares; `local` and `cloud` are the files of the two sides. */
export interface FolderParity {
  /** The folder, `.` for the files of the root. */
  readonly folder: string;
  /** Files at the source. */
  readonly local: number;
  /** The bytes of the files at the source. */
  readonly bytes: number;
  /** Files at the target. */
  readonly cloud: number;
  /** Only at the source. */
  readonly missing: number;
  /** Only at the target. */
  readonly extra: number;
  /** On both sides, with different content. */
  readonly differing: number;
  /** On both sides, with nothing that proves their content. */
  readonly unverifiable: number;
}

/**
 * A folder's parity as the one line that people and scripts read.
 *
 * @example
 * ```ts
 * formatParity(folder); // "raw: local=5300 cloud=5300 missing=0 extra=0 differing=0 unverifiable=0"
 * ```
 */
export function formatParity(parity: FolderParity): string {
  const { folder, local, cloud, missing, extra, differing, unverifiable } = parity;
  return `${folder}: local=${local} cloud=${cloud} missing=${missing} extra=${extra} differing=${differing} unverifiable=${unverifiable}`;
}
