import { createSpool, SPOOL_MEMORY_ITEMS, type Spool } from "../spool/spool.ts";

/** Options of {@link listAhead}. */
export interface ListAheadOptions<T, R> {
  /** Makes of each item, as it comes, what is given on; undefined leaves it out. */
  readonly take: (item: T) => R | undefined;
  /** Told that no more will come. */
  readonly onEnd: () => void;
}

/** Items that wait: in memory while they are few, behind them as JSON in a temporary file. */
interface Waiting<T> {
  readonly items: T[];
  rest?: Spool<T>;
}

/**
 * Draws items as fast as they come, however slowly they are used, and gives them on in their order: what waits is in memory
 * while it is little, as JSON in a temporary file where it is much. So what there is to do is known before it is done.
 *
 * @throws what drawing throws: at once, not behind what still waits.
 * @example
 * ```ts
 * const take = (file) => ((total += file.sizeBytes), file);
 * for await (const file of listAhead(files, { take, onEnd })) await read(file);
 * ```
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
      // In this order: what arrives while the one is looked through is found in the other.
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
