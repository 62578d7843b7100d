/**
 * Runs a task for every item, at most `limit` concurrently, in any order: a long task does not hold up the others, and no
 * result is kept (`mapOrdered` keeps the order, and so waits for the slowest of its window). It takes no further items
 * once `shouldStop` returns true; running tasks are finished. The first error stops it too, and is thrown when all running
 * tasks have settled.
 *
 * @param limit a number, or a function that is called after each task and returns it.
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
  // A fraction would start a worker that is one too many, without end.
  const limitNow = (): number => Math.max(1, Math.floor(typeof limit === "number" ? limit : limit()));
  const iterator = items[Symbol.asyncIterator]();
  const failures: unknown[] = [];
  let ended = false;
  let working = 0;
  // One call at a time: not every iterator accepts a second one before it has answered the first.
  let turn: Promise<unknown> = Promise.resolve();
  const take = (): Promise<IteratorResult<T>> => {
    const taken = turn.then(() => iterator.next());
    turn = taken.catch(() => {});
    return taken;
  };

  await new Promise<void>((settled) => {
    /** Starts one worker, which starts the next when it has an item: there are never many more of them than items. */
    const hire = (): void => {
      if (!ended && !shouldStop() && working < limitNow()) {
        working++;
        void worker();
      } else if (working === 0) settled();
    };
    const worker = async (): Promise<void> => {
      try {
        while (!ended && !shouldStop() && working <= limitNow()) {
          const next = await take();
          if (next.done || ended) {
            ended = true;
            break;
          }
          hire();
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
