import { abilitiesOf, withAbilities } from "../abilities.ts";
import { checkBackend } from "../check-backend.ts";
import { checked, unchecked } from "../checked.ts";
import type { ListOptions, ListPage, StorageBackend } from "../storage-backend.ts";
import { RangeListing } from "./range-listing.ts";

/**
 * Returns a backend that lists long prefixes by several concurrent requests. A listing begins page by page; from the third page
 * on, it also lists ranges of names further on, each by `startAfter`, and yields the same names in the same order. Of n pages, it
 * makes at most 0.14 n + 0.6 √n more requests. It keeps at most 128 pages that its consumer has not taken, and stops all requests
 * when its consumer stops. A consumer that stops within two pages causes no request ahead.
 *
 * A name that exists during the whole listing is yielded exactly once, as by a listing page by page. One that is created or
 * deleted in the meantime is yielded once or not at all.
 *
 * Put it outside `retrying` and `limited`, so that each range resumes by itself and all ranges share the limit. Use it where a
 * page is a round trip; a listing of a disk gains nothing.
 *
 * @example
 * ```ts
 * const backend = listedInRanges(retrying(limited(bare)));
 * ```
 */
export function listedInRanges(inner: StorageBackend): StorageBackend {
  checkBackend(inner, "inner", "listedInRanges");
  const backend = unchecked(inner);
  const wrapped: StorageBackend = {
    name: backend.name,
    capabilities: backend.capabilities,
    url: (key) => backend.url(key),
    head: (key, options) => backend.head(key, options),
    get: (key, options) => backend.get(key, options),
    put: (key, body, options) => backend.put(key, body, options),
    list: (options) => list(backend, options),
    delete: (keys, options) => backend.delete(keys, options),
    copy: (from, to, options) => backend.copy(from, to, options),
    close: () => backend.close(),
  };
  return checked(withAbilities(wrapped, abilitiesOf(backend)));
}

async function* list(backend: StorageBackend, options: ListOptions = {}): AsyncGenerator<ListPage> {
  const listing = new RangeListing(backend, options);
  try {
    yield* listing.pages();
  } finally {
    await listing.stop();
  }
}
