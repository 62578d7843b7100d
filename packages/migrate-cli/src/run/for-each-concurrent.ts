/**
 * Runs a task for every item, at most `limit` at once, in any order: a long task holds up none of the others, and nothing
 * is kept of what is done (core's `mapOrdered` keeps order, and so waits for the slowest of its window). Stops taking items once `shouldStop` says so;
 * those in flight are finished. The first thrown error stops it too, and is thrown once all in flight have settled.
 *
 * @example
 * ```ts
 * await forEachConcurrent(plan.files, 32, copy, () => stop.aborted);
 * ```
 */
export async function forEachConcurrent<T>(
  items: AsyncIterable<T>,
  limit: number,
  run: (item: T) => Promise<void>,
  shouldStop: () => boolean = () => false,
): Promise<void> {
  const iterator = items[Symbol.asyncIterator]();
  let ended = false;
  // Asked one after the other: not every iterator takes a second call before it has answered the first.
  let turn: Promise<unknown> = Promise.resolve();
  const take = (): Promise<IteratorResult<T>> => {
    const taken = turn.then(() => iterator.next());
    turn = taken.catch(() => {});
    return taken;
  };
  const worker = async (): Promise<void> => {
    while (!ended && !shouldStop()) {
      const next = await take();
      if (next.done || ended) {
        ended = true;
        return;
      }
      await run(next.value);
    }
  };
  const guarded = async (): Promise<void> => {
    try {
      await worker();
    } catch (error) {
      ended = true;
      throw error;
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.max(1, limit) }, guarded));
  await iterator.return?.();
  const failed = workers.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}
