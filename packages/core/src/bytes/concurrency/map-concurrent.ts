/**
 * Maps items with at most `limit` concurrent calls and returns the results in the items' order. The first failure stops new
 * calls and is thrown after the running ones have settled, so that no call outlives this one.
 *
 * @example
 * ```ts
 * const sizes = await mapConcurrent(keys, 16, async (key) => (await backend.head(key)).sizeBytes);
 * ```
 */
export async function mapConcurrent<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  run: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for await (const result of mapOrdered(items, limit, run)) results.push(result);
  return results;
}

/**
 * Maps items lazily with at most `limit` concurrent calls and yields the results in the items' order. The next results are
 * computed while the current one is used.
 *
 * @example
 * ```ts
 * for await (const rows of mapOrdered(files, 8, read)) yield* rows;
 * ```
 */
export async function* mapOrdered<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  run: (item: T, index: number) => Promise<R>,
): AsyncGenerator<R> {
  const iterator = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
  const inFlight: Promise<R>[] = [];
  let index = 0;
  let done = false;
  try {
    for (;;) {
      while (!done && inFlight.length < limit) {
        const next = await iterator.next();
        if (next.done) {
          done = true;
          break;
        }
        const call = run(next.value, index++);
        // A failure is thrown where the call is awaited below. Until then, this keeps it from being an unhandled rejection.
        call.catch(() => {});
        inFlight.push(call);
      }
      const first = inFlight.shift();
      if (first === undefined) return;
      yield await first;
    }
  } finally {
    await Promise.allSettled(inFlight);
    if (!done) await iterator.return?.();
  }
}
