import { checkArgument, objectWith } from "@parquetry/core/unstable";

/** How the two sides of one top-level folder compare. */
export interface FolderParity {
  /** The folder; `.` for the files of the root. */
  readonly folder: string;
  /** Number of files at the source. */
  readonly source: number;
  /** Size of the files at the source, in bytes. */
  readonly bytes: number;
  /** Number of files at the target. */
  readonly target: number;
  /** Files that only the source has. */
  readonly missing: number;
  /** Files that only the target has. */
  readonly extra: number;
  /** Files whose content differs. */
  readonly differing: number;
  /** Files on both sides whose content nothing proves equal or different. */
  readonly unverifiable: number;
}

const PARITY = objectWith("one of the folders of a Verification", {
  folder: "string",
  source: "whole",
  bytes: "whole",
  target: "whole",
  missing: "whole",
  extra: "whole",
  differing: "whole",
  unverifiable: "whole",
});

/**
 * Formats a folder's parity as one line, for people and scripts. `local` is the source and `cloud` the target, whatever
 * they are.
 *
 * @throws StorageError `invalid_argument` for anything else.
 * @example
 * ```ts
 * formatParity(folder); // "raw: local=5300 cloud=5300 missing=0 extra=0 differing=0 unverifiable=0"
 * ```
 */
export function formatParity(parity: FolderParity): string {
  checkArgument(parity, PARITY, "parity", "formatParity");
  const { folder, source, target, missing, extra, differing, unverifiable } = parity;
  return `${folder}: local=${source} cloud=${target} missing=${missing} extra=${extra} differing=${differing} unverifiable=${unverifiable}`;
}
