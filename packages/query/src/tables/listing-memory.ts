import type { Key, StorageBackend } from "@parquetry/core";
import type { ListOptions, ListPage, ObjectInfo } from "@parquetry/core/backend";
import { type UnreadableEntry, yieldIfDue } from "@parquetry/core/unstable";

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
}

/** A finished listing. */
interface Listing {
  readonly pages: readonly ListPage[];
  /** The folders and files that it could not read. */
  readonly unreadable: readonly UnreadableEntry[];
}

/** Lists each folder of a store once, also if a query is planned twice. */
export function rememberListings(
  store: StorageBackend,
  onRequest?: (requests: number) => void,
): ListingMemory {
  const listings = new Map<string, Promise<Listing>>();
  const leafDepths = new Map<Key, number>();
  let requests = 0;

  const remember = (name: string, load: () => Promise<Listing>): Promise<Listing> => {
    const found = listings.get(name) ?? load();
    listings.set(name, found);
    return found;
  };

  const listAll = async (
    options: ListOptions,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<Listing | undefined> => {
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

  const listLevel = async (prefix: Key | "", signal: AbortSignal | undefined): Promise<Listing> => {
    if (isAboveLeaves(prefix, leafDepths)) {
      const flat = await listAll({ prefix, signal }, MAX_FLAT_PAGES);
      if (flat !== undefined) {
        const { unreadable } = flat;
        const pages = splitFlat(prefix, flat.pages, (child, objects) => {
          const below = unreadable.filter(({ path }) => path.startsWith(`${child}/`));
          const listing = { pages: [{ objects, prefixes: [] }], unreadable: below };
          listings.set(`flat ${child}`, Promise.resolve(listing));
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

  return {
    list,
    requests: () => requests,
    knowLeaves: (entity, depth) => void leafDepths.set(entity, depth),
  };
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
