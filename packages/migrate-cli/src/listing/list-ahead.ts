import { setImmediate as nextTurn } from "node:timers/promises";
import { createSpool, SPOOL_MEMORY_ITEMS, type Spool } from "../spool/spool.ts";

/** Options of {@link listAhead}. */
export interface ListAheadOptions<T, R> {
  /** Maps each item as it is drawn; undefined leaves it out. */
  readonly take: (item: T) => R | undefined;
  /** Called after the last item. */
  readonly onEnd: () => void;
}

/** How many items are yielded together. */
const BATCH_ITEMS = 64;

/** The number of items used in one turn of the event loop that shows that no I/O is done for them. */
const QUICK_ITEMS = 2 * BATCH_ITEMS;

/** After this many turns in which fewer were used, waiting items go to a file. */
const SLOW_TURNS = 3;

/** Waiting items: the first ones in memory, the rest as JSON in a temporary file. */
interface Waiting<T> {
  readonly items: T[];
  rest?: Spool<T>;
}

/**
 * Draws batches of items as fast as they come, however slowly they are used, and yields them in order and in small batches, so that
 * the total is known before the work is done. Waiting items are in memory, or as JSON in a temporary file if there are many.
 *
 * @throws the error of drawing, without waiting for the items before it.
 */
export async function* listAhead<T, R>(
  batches: AsyncIterable<readonly T[]>,
  { take, onEnd }: ListAheadOptions<T, R>,
): AsyncGenerator<readonly R[]> {
  let arriving: Waiting<R> = { items: [] };
  let leaving: Waiting<R> | undefined;
  let isEnded = false;
  let isLeft = false;
  let used = 0;
  let failure: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;

  const isFull = (): boolean => arriving.items.length >= SPOOL_MEMORY_ITEMS;
  /** Waits while items are used as fast as they can be: to write them to a file would take longer. */
  const waitForQuickUser = async (): Promise<void> => {
    for (let slowTurns = 0; isFull() && slowTurns < SLOW_TURNS; ) {
      const before = used;
      await nextTurn();
      slowTurns = used - before >= QUICK_ITEMS ? 0 : slowTurns + 1;
    }
  };
  const draw = async (): Promise<void> => {
    try {
      for await (const batch of batches) {
        await waitForQuickUser();
        if (isLeft) return;
        if (isFull()) arriving.rest ??= createSpool(0);
        const last = arriving.rest ?? arriving.items;
        for (const drawn of batch) {
          const item = take(drawn);
          if (item !== undefined) last.push(item);
        }
        wake?.();
      }
      onEnd();
    } catch (error) {
      failure = { error };
    }
    isEnded = true;
    wake?.();
  };
  const drawing = draw();
  const throwFailure = (): void => {
    if (failure !== undefined) throw failure.error;
  };

  try {
    for (;;) {
      // In this order: items that arrive during this pass are found in the next one.
      const isLast = isEnded;
      leaving = arriving;
      arriving = { items: [] };
      for (let i = 0; i < leaving.items.length; i += BATCH_ITEMS) {
        throwFailure();
        const batch = leaving.items.slice(i, i + BATCH_ITEMS);
        used += batch.length;
        yield batch;
      }
      let batch: R[] = [];
      for await (const item of leaving.rest ?? []) {
        if (batch.push(item) < BATCH_ITEMS) continue;
        throwFailure();
        yield batch;
        batch = [];
      }
      throwFailure();
      if (batch.length > 0) yield batch;
      throwFailure();
      leaving.rest?.close();
      if (isLast) return;
      if (arriving.items.length > 0 || isEnded) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      wake = undefined;
    }
  } finally {
    isLeft = true;
    await drawing;
    leaving?.rest?.close();
    arriving.rest?.close();
  }
}
