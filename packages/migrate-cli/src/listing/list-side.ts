import {
  type ListOptions,
  type ObjectInfo,
  type StorageBackend,
  throwIfAborted,
} from "@parquetry/core/backend";
import { isYieldDue, yieldIfDue } from "@parquetry/core/unstable";

/** Options of {@link listPages}; without `onUnreadable`, a folder that cannot be read fails the listing. */
export interface ListSideOptions
  extends Pick<ListOptions, "prefix" | "signal" | "onSkipped" | "onUnreadable"> {
  /** Called with the number of objects of each page. */
  readonly onPage?: ((objects: number) => void) | undefined;
}

/** Lists one side page by page, and requests the next page while the current one is used. */
export async function* listPages(
  backend: StorageBackend,
  { onPage, ...options }: ListSideOptions = {},
): AsyncGenerator<readonly ObjectInfo[]> {
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
      throwIfAborted(options.signal, "list", options.prefix ?? "", backend.name);
      yield page.value.objects;
    }
  } finally {
    await ahead.catch(() => {});
    await pages.return?.();
  }
}

/**
 * Lists one side object by object. Other work runs in between, and an abort is heeded at the next object, however long the pages
 * are.
 */
export async function* listSide(
  backend: StorageBackend,
  options: ListSideOptions = {},
): AsyncGenerator<ObjectInfo> {
  for await (const page of listPages(backend, options)) {
    for (const object of page) {
      if (isYieldDue()) await yieldIfDue();
      throwIfAborted(options.signal, "list", options.prefix ?? "", backend.name);
      yield object;
    }
  }
}
