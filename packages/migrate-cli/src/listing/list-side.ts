import type { ObjectInfo, Prefix, StorageBackend } from "@parquetry/core/backend";
import type { SkippedEntry, UnreadableEntry } from "@parquetry/core/unstable";

/** Options of {@link listSide}. */
export interface ListSideOptions {
  /** Lists only the keys below it. Default: all. */
  readonly prefix?: Prefix | undefined;
  /** Stops listing. */
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of objects of each page. */
  readonly onPage?: ((objects: number) => void) | undefined;
  /** Called for each entry that is not an object. */
  readonly onSkipped?: ((skipped: SkippedEntry) => void) | undefined;
  /** Called for each folder or file that cannot be read. Default: the listing fails. */
  readonly onUnreadable?: ((unreadable: UnreadableEntry) => void) | undefined;
}

/**
 * Lists one side object by object, and requests the next page while the current one is used.
 *
 * @example
 * ```ts
 * for await (const { key } of listSide(bucket, { onPage: () => requests++ })) …
 * ```
 */
export async function* listSide(
  backend: StorageBackend,
  options: ListSideOptions = {},
): AsyncGenerator<ObjectInfo> {
  const { prefix, signal, onPage, onSkipped, onUnreadable } = options;
  const pages = backend.list({ prefix, signal, onSkipped, onUnreadable })[Symbol.asyncIterator]();
  let ahead = pages.next();
  try {
    for (;;) {
      const page = await ahead;
      if (page.done) return;
      onPage?.(page.value.objects.length);
      ahead = pages.next();
      // A failure is thrown where the page is awaited.
      ahead.catch(() => {});
      yield* page.value.objects;
    }
  } finally {
    await ahead.catch(() => {});
    await pages.return?.();
  }
}
