import type { SkippedEntry, StorageBackend, UnreadableEntry } from "@parquetry/core/backend";
import { HiddenKeys } from "../listing/hidden-keys.ts";
import { listSide } from "../listing/list-side.ts";
import type { Side } from "../proof/decide.ts";
import type { Selection } from "../select/selection.ts";
import { createSpool, type Spool } from "../spool/spool.ts";
import { type ListingPair, mergeListings } from "./merge-listings.ts";
import type { FileFailure } from "./migration-plan.ts";

/** Options of {@link listEnds}. */
export interface ListEndsOptions {
  /** What is asked for: nothing else at the source is told of. */
  readonly selection: Selection;
  /** Stops listing. */
  readonly signal: AbortSignal | undefined;
  /** Told how many objects each page had. */
  readonly onPage: (side: Side, objects: number) => void;
  /** Told of each folder or file of the source that cannot be read, by its name. */
  readonly onUnreadable: (path: string) => void;
}

/** Both ends of a migration, listed side by side, and what the source holds beside its objects. */
export interface ListedEnds {
  /** Objects of one name, in key order. Iterated once; the rest is whole when it has ended. */
  readonly pairs: AsyncIterable<ListingPair>;
  /** What lies at the source and is no object. */
  readonly skippedEntries: Spool<SkippedEntry>;
  /** What of the source cannot be read. */
  readonly unreadable: Spool<FileFailure>;
  /** The keys that the source's listing says nothing about: what lies there at the target is not "extra". */
  readonly hidden: HiddenKeys;
  /** How many files of the source no key can name. */
  unusableNames(): number;
}

/** Lists both ends. An end that cannot be listed at all is an error; a folder of the source that cannot is told. */
export function listEnds(
  source: StorageBackend,
  target: StorageBackend,
  { selection, signal, onPage, onUnreadable }: ListEndsOptions,
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
  const atSource = listSide(source, {
    ...{ prefix, signal },
    onPage: (objects) => onPage("source", objects),
    onSkipped: skip,
    onUnreadable: leaveOut,
  });
  const atTarget = listSide(target, { prefix, signal, onPage: (objects) => onPage("target", objects) });
  return {
    pairs: mergeListings(atSource, atTarget),
    skippedEntries,
    unreadable,
    hidden,
    unusableNames: () => unusableNames,
  };
}

/**
 * Whether an entry is a file that cannot be copied: a link or a socket is none, and neither is the empty `folder/` that S3
 * consoles make.
 */
export function isLost({ reason, path }: SkippedEntry): boolean {
  return reason === "not_a_key" && !path.endsWith("/");
}
