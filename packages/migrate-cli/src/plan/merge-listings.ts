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

/** The pages of a listing. */
type Pages = AsyncIterable<readonly ObjectInfo[]>;

/**
 * Pairs two listings by key in one pass, in key order, and yields the pairs in batches. It holds one page of each side, so memory
 * does not grow with the listings.
 *
 * @throws StorageError `corrupt` if a listing is not in strict key order: pairing it would report differences that do not
 * exist.
 */
export async function* mergeListings(source: Pages, target: Pages): AsyncGenerator<readonly ListingPair[]> {
  const left = new Cursor(source, "source");
  const right = new Cursor(target, "target");
  try {
    for (;;) {
      await both(left, right);
      const pairs: ListingPair[] = [];
      while (left.isReady && right.isReady) {
        const [a, b] = [left.object, right.object];
        const order = a === undefined ? 1 : b === undefined ? -1 : compareKeys(a.key, b.key);
        if (a === undefined && b === undefined) break;
        if (order < 0 && a !== undefined) pairs.push({ key: a.key, source: a });
        else if (order > 0 && b !== undefined) pairs.push({ key: b.key, target: b });
        else if (a !== undefined && b !== undefined) pairs.push({ key: a.key, source: a, target: b });
        if (order <= 0) left.advance();
        if (order >= 0) right.advance();
      }
      if (pairs.length > 0) yield pairs;
      if (left.isDone && right.isDone) return;
    }
  } finally {
    await Promise.allSettled([left.close(), right.close()]);
  }
}

/** The place in a listing: its next object. */
class Cursor {
  readonly #pages: AsyncIterator<readonly ObjectInfo[]>;
  readonly #side: string;
  #page: readonly ObjectInfo[] = [];
  #at = 0;
  #isEnded = false;

  constructor(pages: Pages, side: string) {
    this.#pages = pages[Symbol.asyncIterator]();
    this.#side = side;
  }

  /** The next object; undefined at the end of the listing. */
  get object(): ObjectInfo | undefined {
    return this.#page[this.#at];
  }

  /** Whether {@link Cursor.object} is known without another page. */
  get isReady(): boolean {
    return this.#isEnded || this.#at < this.#page.length;
  }

  get isDone(): boolean {
    return this.#isEnded && this.#at >= this.#page.length;
  }

  advance(): void {
    this.#at++;
    this.#check(this.#page[this.#at - 1], this.object);
  }

  /** Gets the next page that has objects, if it is needed. */
  async fill(): Promise<void> {
    while (!this.isReady) {
      const { done, value } = await this.#pages.next();
      if (done) {
        this.#isEnded = true;
        return;
      }
      this.#check(this.#page.at(-1), value[0]);
      // An empty page would lose the last key.
      if (value.length === 0) continue;
      this.#page = value;
      this.#at = 0;
    }
  }

  async close(): Promise<void> {
    await this.#pages.return?.();
  }

  #check(last: ObjectInfo | undefined, next: ObjectInfo | undefined): void {
    if (last === undefined || next === undefined || compareKeys(last.key, next.key) < 0) return;
    throw new StorageError({
      code: "corrupt",
      op: "list",
      path: next.key,
      message: `The ${this.#side}'s listing is out of order: ${next.key} came after ${last.key}. Listings must be in UTF-8 key order.`,
    });
  }
}

/** Fills both concurrently, so that a slow side does not delay the other. */
async function both(left: Cursor, right: Cursor): Promise<void> {
  for (const filled of await Promise.allSettled([left.fill(), right.fill()]))
    if (filled.status === "rejected") throw filled.reason;
}
