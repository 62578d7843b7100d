/**
 * Runs a task for every item, at most `limit` at once, in any order: a long task holds up none of the others, and nothing
 * is kept of what is done (core's `mapOrdered` keeps order, and so waits for the slowest of its window). Stops taking items once `shouldStop` says so;
 * those in flight are finished. The first thrown error stops it too, and is thrown once all in flight have settled.
 *
 * @param limit a number, or what is asked for it after each task.
 * @example
 * ```ts
 * await forEachConcurrent(plan.files, 32, copy, () => stop.aborted);
 * ```
 */
export async function forEachConcurrent<T>(
  items: AsyncIterable<T>,
  limit: number | (() => number),
  run: (item: T) => Promise<void>,
  shouldStop: () => boolean = () => false,
): Promise<void> {
  const limitNow = (): number => Math.max(1, typeof limit === "number" ? limit : limit());
  const iterator = items[Symbol.asyncIterator]();
  const failures: unknown[] = [];
  let ended = false;
  let working = 0;
  // Asked one after the other: not every iterator takes a second call before it has answered the first.
  let turn: Promise<unknown> = Promise.resolve();
  const take = (): Promise<IteratorResult<T>> => {
    const taken = turn.then(() => iterator.next());
    turn = taken.catch(() => {});
    return taken;
  };

  await new Promise<void>((settled) => {
    const hire = (): void => {
      while (!ended && !shouldStop() && working < limitNow()) {
        working++;
        void worker();
      }
      if (working === 0) settled();
    };
    const worker = async (): Promise<void> => {
      try {
        while (!ended && !shouldStop() && working <= limitNow()) {
          const next = await take();
          if (next.done || ended) {
            ended = true;
            break;
          }
          await run(next.value);
          if (working < limitNow()) hire();
        }
      } catch (error) {
        ended = true;
        failures.push(error);
      }
      working--;
      hire();
    };
    hire();
  });
  await iterator.return?.();
  if (failures.length > 0) throw failures[0];
}
