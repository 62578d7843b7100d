import type { ListPage, ObjectInfo } from "@parquetry/core/backend";
import type { UnreadableEntry } from "@parquetry/core/unstable";

/** Objects and prefixes that are remembered; beyond this the oldest listings are forgotten. */
const MAX_ENTRIES = 200_000;

/** A finished listing. */
export interface Listing {
  readonly pages: readonly ListPage[];
  /** The folders and files that it could not read. */
  readonly unreadable: readonly UnreadableEntry[];
}

interface Recent {
  readonly listing: Listing;
  readonly entries: number;
  /** False where the store had changed when it was listed last. */
  readonly isSteady: boolean;
}

/**
 * The last listings of a store. A query may use one while the store lists again, and is valid only if the store still lists the
 * same (docs/decisions/0039).
 */
export class RecentListings {
  readonly #recent = new Map<string, Recent>();
  #entries = 0;

  /** The last listing of that name, unless the store changes so often that the next one will probably differ. */
  find(name: string): Listing | undefined {
    const found = this.#recent.get(name);
    return found?.isSteady === true ? found.listing : undefined;
  }

  /** Remembers a new listing; none if it is too long. Returns true where it equals the one that was used instead of it. */
  update(name: string, listing: Listing | undefined, used: Listing | undefined): boolean {
    const last = this.#recent.get(name);
    this.#forget(name, last);
    if (listing === undefined) return false;
    const isReadable = listing.unreadable.length === 0;
    const isSame = used !== undefined && isReadable && isEqual(used, listing);
    const entries = listing.pages.reduce((sum, page) => sum + page.objects.length + page.prefixes.length, 1);
    // Errors are not remembered: the next query may have the permission.
    if (!isReadable || entries > MAX_ENTRIES) return isSame;
    const isSteady = last === undefined || (last.listing === used ? isSame : isEqual(last.listing, listing));
    // The same objects, since the files that are already sent are known by them.
    this.#recent.set(name, { listing: isSame ? used : listing, entries, isSteady });
    this.#entries += entries;
    for (const [oldest, recent] of this.#recent) {
      if (this.#entries <= MAX_ENTRIES) break;
      this.#forget(oldest, recent);
    }
    return isSame;
  }

  #forget(name: string, recent: Recent | undefined): void {
    if (recent === undefined) return;
    this.#recent.delete(name);
    this.#entries -= recent.entries;
  }
}

/** The division into pages may differ. */
function isEqual(a: Listing, b: Listing): boolean {
  const [one, other] = [entriesOf(a), entriesOf(b)];
  for (;;) {
    const [left, right] = [one.next().value, other.next().value];
    if (left === undefined || right === undefined) return left === right;
    if (typeof left === "string" || typeof right === "string" ? left !== right : !isSameObject(left, right)) {
      return false;
    }
  }
}

function* entriesOf({ pages }: Listing): Generator<ObjectInfo | string, undefined> {
  for (const { objects } of pages) yield* objects;
  for (const { prefixes } of pages) yield* prefixes;
}

function isSameObject(a: ObjectInfo, b: ObjectInfo): boolean {
  return a.key === b.key && a.etag === b.etag && a.sizeBytes === b.sizeBytes && a.md5 === b.md5;
}
