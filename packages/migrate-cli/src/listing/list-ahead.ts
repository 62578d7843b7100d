import { createSpool, SPOOL_MEMORY_ITEMS, type Spool } from "../spool/spool.ts";

/** Options of {@link listAhead}. */
export interface ListAheadOptions<T, R> {
  /** Maps each item as it is drawn; undefined leaves it out. */
  readonly take: (item: T) => R | undefined;
  /** Called after the last item. */
  readonly onEnd: () => void;
}

/** Waiting items: the first ones in memory, the rest as JSON in a temporary file. */
interface Waiting<T> {
  readonly items: T[];
  rest?: Spool<T>;
}

/**
 * Draws items as fast as they come, however slowly they are used, and yields them in order, so that the total is known
 * before the work is done. Waiting items are in memory, or as JSON in a temporary file if there are many.
 *
 * @throws the error of drawing, without waiting for the items before it.
 */
export async function* listAhead<T, R>(
  items: AsyncIterable<T>,
  { take, onEnd }: ListAheadOptions<T, R>,
): AsyncGenerator<R> {
  let arriving: Waiting<R> = { items: [] };
  let leaving: Waiting<R> | undefined;
  let isEnded = false;
  let isLeft = false;
  let failure: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;

  const draw = async (): Promise<void> => {
    try {
      for await (const drawn of items) {
        if (isLeft) return;
        const item = take(drawn);
        if (item === undefined) continue;
        if (arriving.items.length < SPOOL_MEMORY_ITEMS) arriving.items.push(item);
        else {
          arriving.rest ??= createSpool(0);
          arriving.rest.push(item);
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
      for (const item of leaving.items) {
        throwFailure();
        yield item;
      }
      for await (const item of leaving.rest ?? []) {
        throwFailure();
        yield item;
      }
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
