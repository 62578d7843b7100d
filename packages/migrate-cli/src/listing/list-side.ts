import {
  type ListOptions,
  type ObjectInfo,
  type StorageBackend,
  throwIfAborted,
} from "@parquetry/core/backend";
import { isYieldDue, yieldIfDue } from "@parquetry/core/unstable";

/** Options of {@link listSide}; without `onUnreadable`, a folder that cannot be read fails the listing. */
export interface ListSideOptions
  extends Pick<ListOptions, "prefix" | "signal" | "onSkipped" | "onUnreadable"> {
  /** Called with the number of objects of each page. */
  readonly onPage?: ((objects: number) => void) | undefined;
}

/**
 * Lists one side object by object, and requests the next page while the current one is used. Other work runs in between, and an
 * abort is heeded at the next object, however long the pages are.
 */
export async function* listSide(
  backend: StorageBackend,
  { onPage, ...options }: ListSideOptions = {},
): AsyncGenerator<ObjectInfo> {
  const pages = backend.list(options)[Symbol.asyncIterator]();
  let ahead = pages.next();
  try {
    for (;;) {
      const page = await ahead;
      if (page.done) return;
      onPage?.(page.value.objects.length);
      ahead = pages.next();
      // A failure is thrown where the page is awaited.
      ahead.catch(() => {});
      for (const object of page.value.objects) {
        if (isYieldDue()) await yieldIfDue();
        throwIfAborted(options.signal, "list", options.prefix ?? "", backend.name);
        yield object;
      }
    }
  } finally {
    await ahead.catch(() => {});
    await pages.return?.();
  }
}
