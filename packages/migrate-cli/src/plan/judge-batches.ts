/** The most results that wait behind one that is not known yet, by default. */
const MAX_WAITING = 1000;

/**
 * Judges the items of batches in their order, and yields the results in that order, also in batches. A judgement that needs no
 * I/O is returned without a promise, which for millions of items is most of the time. At most `limit` others run concurrently.
 */
export async function* judgeBatches<T, R>(
  batches: AsyncIterable<readonly T[]>,
  limit: number,
  judge: (item: T) => R | Promise<R>,
  maxWaiting: number = MAX_WAITING,
): AsyncGenerator<readonly R[]> {
  /** Those that run, and what is behind them. */
  const waiting: (R | Promise<R>)[] = [];
  let running = 0;
  let known: R[] = [];

  /** Waits for the first ones, until there is room. */
  const settle = async (mayRun: number, mayWait: number): Promise<void> => {
    while (waiting.length > 0 && (running > mayRun || waiting.length > mayWait || !isPromise(waiting[0]))) {
      const first = waiting.shift();
      if (isPromise(first)) running--;
      // An item of the queue, which is not empty.
      known.push((await first) as R);
    }
  };
  try {
    for await (const batch of batches) {
      for (const item of batch) {
        const verdict = judge(item);
        if (isPromise(verdict)) {
          // A failure is thrown where the verdict is awaited.
          verdict.catch(() => {});
          running++;
        } else if (waiting.length === 0) {
          known.push(verdict);
          continue;
        }
        waiting.push(verdict);
        if (running < limit && waiting.length < maxWaiting) continue;
        await settle(limit - 1, maxWaiting - 1);
        yield known;
        known = [];
      }
      if (known.length > 0) yield known;
      known = [];
    }
    await settle(0, 0);
    if (known.length > 0) yield known;
  } finally {
    await Promise.allSettled(waiting);
  }
}

const isPromise = <R>(value: R | Promise<R> | undefined): value is Promise<R> => value instanceof Promise;
