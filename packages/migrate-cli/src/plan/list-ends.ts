import type { StorageBackend } from "@parquetry/core/backend";
import type { SkippedEntry, UnreadableEntry } from "@parquetry/core/unstable";
import { listPages } from "../listing/list-side.ts";
import type { Side } from "../proof/decide.ts";
import type { Selection } from "../select/selection.ts";
import { createSpool, type Spool } from "../spool/spool.ts";
import { type ListingPair, mergeListings } from "./merge-listings.ts";
import type { FileFailure } from "./migration-plan.ts";

/** The keys that a listing did not show: those of files, and below folders, that could not be read. */
export class HiddenKeys {
  readonly #paths = new Set<string>();

  /** Adds a folder or a file that could not be read. */
  add(path: string): void {
    this.#paths.add(path);
  }

  /** Whether a key is one of them, or is below one of them. */
  has(key: string): boolean {
    if (this.#paths.size === 0) return false;
    for (let end = key.indexOf("/"); end >= 0; end = key.indexOf("/", end + 1))
      if (this.#paths.has(key.slice(0, end))) return true;
    return this.#paths.has(key);
  }
}

/** Options of {@link listEnds}. */
export interface ListEndsOptions {
  /** The selected files; entries of the source outside the selection are not reported. */
  readonly selection: Selection;
  /** Stops listing. */
  readonly signal: AbortSignal | undefined;
  /** Called with the number of objects of each page. */
  readonly onPage: (side: Side, objects: number) => void;
  /** Called with the path of each folder or file of the source that cannot be read. */
  readonly onUnreadable: (path: string) => void;
  /** Called with each file of the target whose name cannot be a key. */
  readonly onUnusableAtTarget?: ((entry: SkippedEntry) => void) | undefined;
}

/** Both ends of a migration, listed concurrently, and the entries of the source that are not objects. */
export interface ListedEnds {
  /** Objects paired by key, in key order and in batches. Iterate it once; the other fields are complete when it has ended. */
  readonly pairs: AsyncIterable<readonly ListingPair[]>;
  /** Entries of the source that are not objects. */
  readonly skippedEntries: Spool<SkippedEntry>;
  /** Folders and files of the source that cannot be read. */
  readonly unreadable: Spool<FileFailure>;
  /** The keys that the source's listing did not show: objects of the target under them are not "extra". */
  readonly hidden: HiddenKeys;
  /** How many files of the source have a name that cannot be a key. */
  unusableNames(): number;
}

/** Lists both ends. It fails if an end cannot be listed at all; a folder of the source that cannot be read is reported. */
export function listEnds(
  source: StorageBackend,
  target: StorageBackend,
  { selection, signal, onPage, onUnreadable, onUnusableAtTarget }: ListEndsOptions,
): ListedEnds {
  const skippedEntries = createSpool<SkippedEntry>();
  const unreadable = createSpool<FileFailure>();
  const hidden = new HiddenKeys();
  let unusableNames = 0;

  const skip = (entry: SkippedEntry): void => {
    if (!selection.concerns(entry.path)) return;
    skippedEntries.push(entry);
    if (isLost(entry)) unusableNames++;
  };
  const leaveOut = ({ path, error }: UnreadableEntry): void => {
    hidden.add(path);
    if (!selection.mayHold(path)) return;
    unreadable.push({ key: path, code: error.code, message: error.message });
    onUnreadable(path);
  };
  const { prefix } = selection;
  const atSource = listPages(source, {
    ...{ prefix, signal },
    onPage: (objects) => onPage("source", objects),
    onSkipped: skip,
    onUnreadable: leaveOut,
  });
  const atTarget = listPages(target, {
    ...{ prefix, signal },
    onPage: (objects) => onPage("target", objects),
    onSkipped: (entry) => {
      if (isLost(entry) && selection.concerns(entry.path)) onUnusableAtTarget?.(entry);
    },
  });
  return {
    pairs: mergeListings(atSource, atTarget),
    skippedEntries,
    unreadable,
    hidden,
    unusableNames: () => unusableNames,
  };
}

/**
 * Whether an entry is a file that cannot be copied. A link or a socket is not a file, and neither is the empty `folder/` that
 * S3 consoles create; a `folder/` with content is one.
 */
export function isLost({ reason, path, sizeBytes = 0 }: SkippedEntry): boolean {
  return reason === "not_a_key" && (sizeBytes > 0 || !path.endsWith("/"));
}
