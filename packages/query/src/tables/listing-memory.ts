import type { Key, StorageBackend } from "@parquetry/core";
import type { ListOptions, ListPage, ObjectInfo } from "@parquetry/core/backend";
import { type UnreadableEntry, yieldIfDue } from "@parquetry/core/unstable";
import type { Listing, RecentListings } from "./recent-listings.ts";

/** A flat listing of more pages than this is given up: the folders below are listed one by one instead. */
const MAX_FLAT_PAGES = 10;

/** Lists a store, and remembers the listings for the time of one query. */
export interface ListingMemory extends Pick<StorageBackend, "list"> {
  /** How many pages the store has listed: one request each. */
  requests(): number;
  /**
   * Declares that the folders `depth` levels below this entity contain no further levels, so that one flat listing covers all of
   * them.
   */
  knowLeaves(entity: Key, depth: number): void;
  /**
   * Runs something that reads listings. It may start with recent listings, while the store lists again. If the store lists
   * something else, what it returned is discarded, and it runs again with the new listings.
   *
   * @param run called with a signal that fires as soon as its result is not needed, and with a function that it may call when it no
   * longer needs this thread.
   */
  upToDate<T>(
    run: (outdated: AbortSignal | undefined, onWaiting: () => void) => Promise<T>,
    discard: (result: T) => Promise<void>,
  ): Promise<T>;
}

/** Options of {@link rememberListings}. */
export interface ListingOptions {
  /** Called with the number of pages so far. */
  readonly onRequest?: ((requests: number) => void) | undefined;
  /** The listings of earlier queries. Default: every folder is listed before anything else is done with it. */
  readonly recent?: RecentListings | undefined;
}

/** Lists each folder of a store once, also if a query is planned twice. */
export function rememberListings(
  store: StorageBackend,
  { onRequest, recent }: ListingOptions = {},
): ListingMemory {
  let listings = new Map<string, Promise<Listing>>();
  /** The listings that the store has made, or is making, for this query. */
  const fresh = new Map<string, Promise<Listing | undefined>>();
  const leafDepths = new Map<Key, number>();
  let requests = 0;
  /** While recent listings are used: whether each of them is still the same, and what to call if one is not. */
  let trust: Trust | undefined;

  const remember = (name: string, load: () => Promise<Listing>): Promise<Listing> => {
    const found = listings.get(name) ?? load();
    listings.set(name, found);
    return found;
  };

  const listStore = async (options: ListOptions, limit: number): Promise<Listing | undefined> => {
    const pages: ListPage[] = [];
    const unreadable: UnreadableEntry[] = [];
    const onUnreadable = (entry: UnreadableEntry): void => void unreadable.push(entry);
    for await (const page of store.list({ ...options, onUnreadable })) {
      requests++;
      onRequest?.(requests);
      pages.push(page);
      if (pages.length > limit) return undefined;
    }
    return { pages, unreadable };
  };

  const listAll = (options: ListOptions, limit = Number.POSITIVE_INFINITY): Promise<Listing | undefined> => {
    const name = JSON.stringify([options.prefix, options.delimiter, limit]);
    const used = trust?.used.get(name);
    if (used !== undefined) return Promise.resolve(used);
    const listing = fresh.get(name);
    if (listing !== undefined) return listing;
    const known = trust === undefined ? undefined : recent?.find(name);
    const listed =
      known === undefined || trust === undefined
        ? listStore(options, limit)
        : trust.mayList.then(() => listStore(options, limit));
    fresh.set(name, listed);
    const same = listed.then((found) => recent?.update(name, found, known) === true);
    if (known === undefined || trust === undefined) return same.then(() => listed);
    const { checks, outdated } = trust;
    trust.used.set(name, known);
    same.then(
      (isSame) => isSame || outdated.abort(),
      () => outdated.abort(),
    );
    checks.push(same);
    return Promise.resolve(known);
  };

  const listLevel = async (prefix: Key | "", signal: AbortSignal | undefined): Promise<Listing> => {
    const into = listings;
    if (isAboveLeaves(prefix, leafDepths)) {
      const flat = await listAll({ prefix, signal }, MAX_FLAT_PAGES);
      if (flat !== undefined) {
        const { unreadable } = flat;
        const pages = splitFlat(prefix, flat.pages, (child, objects) => {
          const below = unreadable.filter(({ path }) => path.startsWith(`${child}/`));
          const listing = { pages: [{ objects, prefixes: [] }], unreadable: below };
          into.set(`flat ${child}`, Promise.resolve(listing));
        });
        return { pages, unreadable };
      }
    }
    return (await listAll({ prefix, delimiter: "/", signal })) ?? EMPTY;
  };

  async function* list(options: ListOptions = {}): AsyncGenerator<ListPage> {
    const { prefix = "", delimiter, signal, startAfter, onUnreadable } = options;
    if (startAfter !== undefined) {
      yield* store.list(options);
      return;
    }
    const found =
      delimiter === undefined
        ? await remember(`flat ${prefix}`, async () => (await listAll({ prefix, signal })) ?? EMPTY)
        : await remember(`level ${prefix}`, () => listLevel(prefix, signal));
    for (const entry of found.unreadable) {
      if (onUnreadable === undefined) throw entry.error;
      onUnreadable(entry);
    }
    for (const page of found.pages) {
      // Other work runs between the pages of a long listing.
      await yieldIfDue();
      yield page;
    }
  }

  const upToDate: ListingMemory["upToDate"] = async (run, discard) => {
    if (recent === undefined) return run(undefined, () => {});
    const checks: Promise<boolean>[] = [];
    const outdated = new AbortController();
    let letList = (): void => {};
    const mayList = new Promise<void>((resolve) => {
      letList = resolve;
    });
    // Listing a disk takes this thread, which the query needs first. A store far away lists while the query is planned.
    if (store.name !== "local") letList();
    trust = { checks, outdated, mayList, used: new Map() };
    const ran = await run(outdated.signal, letList).then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    );
    letList();
    trust = undefined;
    const settled = await Promise.allSettled(checks);
    const isCurrent = settled.every((check) => check.status === "rejected" || check.value);
    const failed = settled.find((check) => check.status === "rejected");
    if (isCurrent && failed === undefined) {
      if ("error" in ran) throw ran.error;
      return ran.result;
    }
    if ("result" in ran) await discard(ran.result);
    // If another listing has changed, the one that failed may not be needed.
    if (isCurrent) throw failed?.reason;
    // Calls that still run after an error may write to the old one.
    listings = new Map();
    return run(undefined, () => {});
  };

  return {
    list,
    upToDate,
    requests: () => requests,
    knowLeaves: (entity, depth) => void leafDepths.set(entity, depth),
  };
}

/** The recent listings of one run. */
interface Trust {
  /** Those that were used, by name. */
  readonly used: Map<string, Listing>;
  /** Whether each of them is still the same. */
  readonly checks: Promise<boolean>[];
  /** Aborted if one is not. */
  readonly outdated: AbortController;
  /** Resolves when the store may list again. */
  readonly mayList: Promise<void>;
}

const EMPTY: Listing = { pages: [], unreadable: [] };

function isAboveLeaves(prefix: string, leafDepths: ReadonlyMap<Key, number>): boolean {
  for (const [entity, depth] of leafDepths) {
    if (prefix !== entity && !prefix.startsWith(`${entity}/`)) continue;
    const below = prefix === entity ? 0 : prefix.slice(entity.length + 1).split("/").length;
    if (below === depth - 1) return true;
  }
  return false;
}

/** Turns a flat listing into the page of a listing with a delimiter, and passes on what is below. */
function splitFlat(
  prefix: string,
  flat: readonly ListPage[],
  onChild: (child: Key, objects: readonly ObjectInfo[]) => void,
): readonly ListPage[] {
  const base = prefix === "" ? 0 : prefix.length + 1;
  const direct: ObjectInfo[] = [];
  const below = new Map<Key, ObjectInfo[]>();
  for (const info of flat.flatMap(({ objects }) => objects)) {
    const slash = info.key.indexOf("/", base);
    if (slash < 0) {
      direct.push(info);
      continue;
    }
    // The part of a key before a slash is a key.
    const child = info.key.slice(0, slash) as Key;
    const objects = below.get(child);
    if (objects === undefined) below.set(child, [info]);
    else objects.push(info);
  }
  for (const [child, objects] of below) onChild(child, objects);
  return [{ objects: direct, prefixes: [...below.keys()] }];
}
