import { compareKeys, type Key, type ObjectInfo, StorageError } from "@parquetry/core/backend";

/** One key with the object of each side; at least one side has one. */
export interface ListingPair {
  /** The key. */
  readonly key: Key;
  /** The source's object, if it has one. */
  readonly source?: ObjectInfo | undefined;
  /** The target's object, if it has one. */
  readonly target?: ObjectInfo | undefined;
}

/**
 * Pairs two listings by key in one pass, in key order. It holds one object of each side, so memory does not grow with the
 * listings.
 *
 * @throws StorageError `corrupt` if a listing is not in strict key order: pairing it would report differences that do not
 * exist.
 */
export async function* mergeListings(
  source: AsyncIterable<ObjectInfo>,
  target: AsyncIterable<ObjectInfo>,
): AsyncGenerator<ListingPair> {
  const left = inOrder(source, "source");
  const right = inOrder(target, "target");
  try {
    let [a, b] = await both(left, right);
    while (a !== undefined || b !== undefined) {
      const order = a === undefined ? 1 : b === undefined ? -1 : compareKeys(a.key, b.key);
      if (order < 0 && a !== undefined) {
        yield { key: a.key, source: a };
        a = await next(left);
      } else if (order > 0 && b !== undefined) {
        yield { key: b.key, target: b };
        b = await next(right);
      } else if (a !== undefined && b !== undefined) {
        yield { key: a.key, source: a, target: b };
        [a, b] = await both(left, right);
      }
    }
  } finally {
    await Promise.allSettled([left.return(undefined), right.return(undefined)]);
  }
}

type Listing = AsyncGenerator<ObjectInfo, undefined>;

async function next(listing: Listing): Promise<ObjectInfo | undefined> {
  return (await listing.next()).value;
}

/** Advances both concurrently, so that a slow side does not delay the other. */
async function both(
  left: Listing,
  right: Listing,
): Promise<[ObjectInfo | undefined, ObjectInfo | undefined]> {
  const settled = await Promise.allSettled([next(left), next(right)]);
  const [a, b] = settled;
  if (a.status === "rejected") throw a.reason;
  if (b.status === "rejected") throw b.reason;
  return [a.value, b.value];
}

async function* inOrder(
  listing: AsyncIterable<ObjectInfo>,
  side: string,
): AsyncGenerator<ObjectInfo, undefined> {
  let last: Key | undefined;
  for await (const info of listing) {
    if (last !== undefined && compareKeys(last, info.key) >= 0) {
      throw new StorageError({
        code: "corrupt",
        op: "list",
        path: info.key,
        message: `The ${side}'s listing is out of order: ${info.key} came after ${last}. Listings must be in UTF-8 key order.`,
      });
    }
    last = info.key;
    yield info;
  }
  return undefined;
}
