import { compareKeys } from "@parquetry/core/backend";

export interface ListingQuery {
  readonly prefix: string;
  /** Empty for none. */
  readonly delimiter: string;
  /** The page begins after this key, or after all keys under it if it is a common prefix; empty for none. */
  readonly after: string;
  readonly maxKeys: number;
}

/** A page of a listing. Entries and common prefixes both count towards its size. */
export interface ListingPage<Entry> {
  readonly entries: readonly Entry[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
  /** Last key or common prefix of the page, after which the next one begins; empty for an empty page. */
  readonly last: string;
}

/** Returns the entries in UTF-8 byte order, from the first one for which `isBefore` is false. */
export type ListingSource<Entry> = (isBefore: (key: string) => boolean) => Iterable<Entry>;

/** Returns the key up to and including the first delimiter after the prefix. */
function commonPrefixOf(key: string, { prefix, delimiter }: ListingQuery): string | undefined {
  if (delimiter === "") return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at === -1 ? undefined : key.slice(0, at + delimiter.length);
}

/** Computes one page. All keys under a common prefix are skipped in one step. */
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
