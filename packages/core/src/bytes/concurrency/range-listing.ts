import { onAbort, throwIfAborted } from "../abort.ts";
import { compareKeys } from "../key-order.ts";
import type {
  ListOptions,
  ListPage,
  SkippedEntry,
  StorageBackend,
  UnreadableEntry,
} from "../storage-backend.ts";
import { isStorageError } from "../storage-error.ts";
import { guessCut } from "./guess-cut.ts";

/** Pages that are listed one after the other, and taken, before anything is listed ahead. */
export const PLAIN_PAGES = 2;

/** The most ranges that are not finished. */
export const MAX_RANGES = 24;

/** Pages that wait for the consumer, those under way included. The range that the consumer waits for may always fetch one. */
export const MAX_WAITING_PAGES = 128;

/** The length of a range that a cut aims at, in pages. */
const RANGE_PAGES = 8;

/**
 * The number of cuts after a number of pages. Each costs at most one request more than a listing page by page. The root makes more
 * of them early, so that the number of ranges grows; later, each range that ends is replaced.
 */
const cutsAfter = (pages: number): number => Math.floor(0.14 * pages + 0.6 * Math.sqrt(pages));

/** Cuts after one page: the end of the range, and the end of the next one. */
const CUTS_AT_ONCE = 2;

/** The largest correction of the estimated density. */
const MAX_STRETCH = 4;

/** A page that waits for the consumer, with the entries that were reported while it was fetched. */
interface WaitingPage {
  readonly page: ListPage;
  readonly report: () => void;
}

/** A part of the listing: the names after `start` up to and including `end`. */
interface Range {
  start: string | undefined;
  end: string | undefined;
  pages: AsyncIterator<ListPage> | undefined;
  readonly waiting: WaitingPage[];
  /** Reported since the last page. */
  skipped: SkippedEntry[];
  unreadable: UnreadableEntry[];
  /** The fetch that is under way. It never rejects. */
  fetching: Promise<void> | undefined;
  /** The last page with several names. */
  page: ListPage | undefined;
  /** The last name of an object, a child prefix or a skipped entry. */
  reach: string;
  fetched: number;
  /** Whether no page had a name. */
  isEmpty: boolean;
  /** Pages fetched since its end was guessed; undefined if it was not, or if the guess was beyond the last name. */
  sinceCut: number | undefined;
  failure: { readonly error: unknown } | undefined;
  isDone: boolean;
}

/**
 * One listing, whose ranges are listed concurrently. Ranges are in order, disjoint and cover all names, so the concatenation of
 * their pages is the listing. A range is cut where it is estimated to be {@link RANGE_PAGES} pages long: the first request
 * of the part behind the cut is at the same time a probe, whose page is used.
 */
export class RangeListing {
  readonly #backend: StorageBackend;
  readonly #options: ListOptions;
  readonly #base: number;
  readonly #abort: AbortController = new AbortController();
  readonly #forget: () => void;
  readonly #reported = new Set<string>();
  /** Those that are not finished, in order. */
  #ranges: Range[];
  #taken = 0;
  #waiting = 0;
  #fetched = 0;
  #cuts = 0;
  #mayCut = true;
  #stretch = 1;
  #last: string | undefined;
  #wake: (() => void) | undefined;

  constructor(backend: StorageBackend, options: ListOptions) {
    const { prefix = "", startAfter, signal } = options;
    this.#backend = backend;
    this.#options = options;
    this.#base = prefix === "" ? 0 : prefix.length + 1;
    this.#last = startAfter;
    this.#ranges = [newRange(startAfter, undefined)];
    if (signal?.aborted) this.#abort.abort(signal.reason);
    this.#forget = signal === undefined ? () => {} : onAbort(signal, () => this.#abort.abort(signal.reason));
  }

  /** Yields all pages in order. Iterate it once. */
  async *pages(): AsyncGenerator<ListPage> {
    const { signal, prefix = "" } = this.#options;
    for (let head = this.#ranges[0]; head !== undefined; head = this.#ranges[0]) {
      throwIfAborted(signal, "list", prefix, this.#backend.name);
      if (this.#isAhead()) this.#fetchMore();
      const next = head.waiting.shift();
      if (next !== undefined) {
        this.#waiting--;
        next.report();
        if (next.page.objects.length + next.page.prefixes.length === 0 && this.#taken > 0) continue;
        this.#taken++;
        this.#last = lastName(next.page) ?? this.#last;
        yield next.page;
      } else if (head.isDone) {
        this.#reporter(head)();
        this.#ranges.shift();
      } else if (head.failure !== undefined) {
        if (!this.#restart(head)) throw head.failure.error;
      } else {
        if (head.fetching === undefined) this.#fetch(head);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** Stops all requests, and returns when none is under way. */
  async stop(): Promise<void> {
    this.#forget();
    this.#mayCut = false;
    const fetching = this.#ranges.flatMap((range) => range.fetching ?? []);
    if (fetching.length > 0) this.#abort.abort();
    await Promise.all(fetching);
    await Promise.all(this.#ranges.map((range) => close(range)));
  }

  #isAhead(): boolean {
    return this.#taken >= PLAIN_PAGES && !this.#abort.signal.aborted;
  }

  /** Fetches a page of each range for which there is room; ranges further on leave room for the nearer ones. */
  #fetchMore(): void {
    for (const [i, range] of this.#ranges.entries()) {
      if (range.failure !== undefined) return;
      if (range.isDone || range.fetching !== undefined) continue;
      if (this.#waiting >= MAX_WAITING_PAGES - 2 * i) return;
      this.#fetch(range);
    }
  }

  #fetch(range: Range): void {
    this.#waiting++;
    range.pages ??= this.#open(range);
    range.fetching = range.pages.next().then(
      async (next) => {
        this.#waiting--;
        range.fetching = undefined;
        if (next.done) this.#end(range);
        else await this.#take(range, next.value);
        this.#settled(range);
      },
      (error: unknown) => {
        this.#waiting--;
        range.fetching = undefined;
        range.failure = { error };
        // Where a store refuses a cut, the listing goes on without any.
        this.#mayCut = false;
        this.#settled(range);
      },
    );
  }

  #settled(range: Range): void {
    if (range === this.#ranges[0]) {
      this.#wake?.();
      this.#wake = undefined;
    }
    if (this.#isAhead()) this.#fetchMore();
  }

  #open(range: Range): AsyncIterator<ListPage> {
    const { onSkipped, onUnreadable, ...rest } = this.#options;
    const pages = this.#backend.list({
      ...rest,
      startAfter: range.start,
      signal: this.#abort.signal,
      onSkipped: onSkipped && ((entry) => range.skipped.push(entry)),
      onUnreadable: onUnreadable && ((entry) => range.unreadable.push(entry)),
    });
    return pages[Symbol.asyncIterator]();
  }

  /** Takes over a page: without the names behind the range's end, which the next range lists. */
  async #take(range: Range, whole: ListPage): Promise<void> {
    const { end, skipped } = range;
    for (const name of [lastName(whole) ?? "", ...skipped.map(({ path }) => path)])
      if (compareKeys(name, range.reach) > 0) range.reach = name;
    const isEnd = end !== undefined && compareKeys(range.reach, end) > 0;
    const page = isEnd ? upTo(whole, end) : whole;
    this.#fetched++;
    range.fetched++;
    if (range.sinceCut !== undefined) range.sinceCut++;
    const count = page.objects.length + page.prefixes.length;
    range.isEmpty &&= count === 0;
    range.waiting.push({ page, report: this.#reporter(range) });
    this.#waiting++;
    if (isEnd) {
      this.#end(range);
      await close(range);
      return;
    }
    if (count > 1) range.page = page;
    if (this.#fetched >= PLAIN_PAGES) this.#cut(range);
  }

  #end(range: Range): void {
    range.isDone = true;
    range.page = undefined;
    if (range.sinceCut !== undefined) this.#correct(RANGE_PAGES / Math.max(range.sinceCut, 1));
    // Nothing follows the cut, so the range before it is cut again.
    const before = this.#ranges[this.#ranges.indexOf(range) - 1];
    if (range.isEmpty && before !== undefined) before.sinceCut = undefined;
  }

  #correct(factor: number): void {
    const stretch = this.#stretch * factor ** 0.25;
    this.#stretch = Math.min(MAX_STRETCH, Math.max(1 / MAX_STRETCH, stretch));
  }

  /** Cuts a range behind its last page, if it is estimated to be long, and the requests for it are within the bound. */
  #cut(range: Range): void {
    if (range.sinceCut !== undefined) {
      if (range.sinceCut <= RANGE_PAGES) return;
      this.#correct(RANGE_PAGES / (2 * range.sinceCut));
    }
    if (range.page === undefined) return;
    const halve = range.sinceCut !== undefined || range === this.#ranges[0];
    let names: readonly string[] | undefined;
    let lower = range;
    for (let i = 1; i <= CUTS_AT_ONCE; i++) {
      const isAllowed = this.#mayCut && this.#cuts < cutsAfter(this.#fetched);
      if (!isAllowed || this.#ranges.filter(({ isDone }) => !isDone).length >= MAX_RANGES) return;
      const { end } = lower;
      names ??= namesOf(range.page);
      const cut = guessCut({ names, base: this.#base, pages: i * RANGE_PAGES * this.#stretch, end, halve });
      if (cut === undefined || compareKeys(cut, lower.reach) <= 0) return;
      const upper = newRange(cut, end);
      lower.end = cut;
      lower.sinceCut = 0;
      this.#ranges.splice(this.#ranges.indexOf(lower) + 1, 0, upper);
      this.#cuts++;
      lower = upper;
    }
  }

  /** Lists a range that failed on its first page again, after the last name that was yielded: that is a name, the cut is not. */
  #restart(range: Range): boolean {
    const error = range.failure?.error;
    const isFinal = isStorageError(error) && error.retry === "never";
    if (!isFinal || range.fetched > 0 || range.start === this.#last) return false;
    range.start = this.#last;
    range.pages = undefined;
    range.failure = undefined;
    return true;
  }

  /** Returns a function that reports the entries of a range so far, each once; two ranges may meet the same one. */
  #reporter(range: Range): () => void {
    const { skipped, unreadable } = range;
    if (skipped.length + unreadable.length === 0) return () => {};
    range.skipped = [];
    range.unreadable = [];
    return () => {
      for (const entry of skipped) {
        if (isWithinRange(entry.path, range)) this.#options.onSkipped?.(entry);
      }
      for (const entry of unreadable) {
        if (this.#reported.has(entry.path)) continue;
        this.#reported.add(entry.path);
        this.#options.onUnreadable?.(entry);
      }
    };
  }
}

function newRange(start: string | undefined, end: string | undefined): Range {
  return {
    start,
    end,
    pages: undefined,
    waiting: [],
    skipped: [],
    unreadable: [],
    fetching: undefined,
    page: undefined,
    reach: start ?? "",
    fetched: 0,
    isEmpty: true,
    sinceCut: undefined,
    failure: undefined,
    isDone: false,
  };
}

async function close(range: Range): Promise<void> {
  try {
    await range.pages?.return?.();
  } catch {
    // Its names are not needed any more.
  }
}

const isWithinRange = (path: string, { end }: Range): boolean =>
  end === undefined || compareKeys(path, end) <= 0;

/** The names of a page in listing order: a child prefix is `prefix/`. */
function namesOf({ objects, prefixes }: ListPage): readonly string[] {
  if (prefixes.length === 0) return objects.map(({ key }) => key);
  return [...objects.map(({ key }) => key), ...prefixes.map((prefix) => `${prefix}/`)].sort(compareKeys);
}

function lastName({ objects, prefixes }: ListPage): string | undefined {
  const object = objects.at(-1)?.key;
  const prefix = prefixes.at(-1);
  if (prefix === undefined) return object;
  const folder = `${prefix}/`;
  return object !== undefined && compareKeys(object, folder) > 0 ? object : folder;
}

function upTo({ objects, prefixes }: ListPage, end: string): ListPage {
  return {
    objects: objects.filter(({ key }) => compareKeys(key, end) <= 0),
    prefixes: prefixes.filter((prefix) => compareKeys(`${prefix}/`, end) <= 0),
  };
}
