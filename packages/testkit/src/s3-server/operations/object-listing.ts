import { compareKeys } from "@parquetry/core/backend";

/** What a page of a listing is asked for by. */
export interface ListingQuery {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** The page begins after this key, or after everything under it when it is a common prefix; empty for none. */
  readonly after: string;
  readonly maxKeys: number;
}

/** A page of a listing: entries and common prefixes count alike. */
export interface ListingPage<Entry> {
  readonly entries: readonly Entry[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  /** Last key or common prefix of the page, from which the next one goes on; empty for an empty page. */
  readonly last: string;
}

/** Where a listing takes its entries from, in UTF-8 byte order. */
export type ListingSource<Entry> = (isBefore: (key: string) => boolean) => Iterable<Entry>;

/** The part of a key up to and with the first delimiter after the prefix. */
function commonPrefixOf(key: string, { prefix, delimiter }: ListingQuery): string | undefined {
  if (delimiter === "") return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at === -1 ? undefined : key.slice(0, at + delimiter.length);
}

/** Computes one page. A common prefix is passed in one step however many keys are under it. */
export function listPage<Entry extends { readonly key: string }>(
  query: ListingQuery,
  source: ListingSource<Entry>,
): ListingPage<Entry> {
  const { prefix, after, maxKeys } = query;
  const entries: Entry[] = [];
  const commonPrefixes: string[] = [];
  if (maxKeys === 0) return { entries, commonPrefixes, isTruncated: false, last: "" };
  const skipsGroup = after.startsWith(prefix) && commonPrefixOf(after, query) === after;
  let isBefore = (key: string): boolean =>
    compareKeys(key, prefix) < 0 ||
    (after !== "" && compareKeys(key, after) <= 0) ||
    (skipsGroup && key.startsWith(after));
  let last = "";
  for (let more = true; more; ) {
    more = false;
    for (const entry of source(isBefore)) {
      if (!entry.key.startsWith(prefix)) break;
      if (entries.length + commonPrefixes.length === maxKeys) {
        return { entries, commonPrefixes, isTruncated: true, last };
      }
      const common = commonPrefixOf(entry.key, query);
      if (common === undefined) {
        entries.push(entry);
        last = entry.key;
        continue;
      }
      commonPrefixes.push(common);
      last = common;
      isBefore = (key) => compareKeys(key, common) <= 0 || key.startsWith(common);
      more = true;
      break;
    }
  }
  return { entries, commonPrefixes, isTruncated: false, last };
}
