import type {
  ObjectInfo,
  Prefix,
  SkippedEntry,
  StorageBackend,
  UnreadableEntry,
} from "@parquetry/core/backend";

/** Options of {@link listSide}. */
export interface ListSideOptions {
  /** Where to start. Default: everything. */
  readonly prefix?: Prefix | undefined;
  /** Stops listing. */
  readonly signal?: AbortSignal | undefined;
  /** Told how many objects each page had. */
  readonly onPage?: ((objects: number) => void) | undefined;
  /** Told of what lies there but is no object. */
  readonly onSkipped?: ((skipped: SkippedEntry) => void) | undefined;
  /** Told of what cannot be read. Default: the listing fails. */
  readonly onUnreadable?: ((unreadable: UnreadableEntry) => void) | undefined;
}

/**
 * Lists one side object by object, with the next page under way while the current one is used.
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
      // Thrown where it is awaited, not before.
      ahead.catch(() => {});
      yield* page.value.objects;
    }
  } finally {
    await ahead.catch(() => {});
    await pages.return?.();
  }
}
