import { createSpool, type Spool } from "./spool.ts";

/** What {@link listAhead} tells of. */
export interface ListAheadOptions<T> {
  /** Each item, as it comes. */
  readonly onItem: (item: T) => void;
  /** That no more will come. */
  readonly onEnd: () => void;
}

/**
 * Draws items as fast as they come, however slowly they are used, and gives them on in their order: what waits is in memory
 * while it is little, as JSON in a temporary file where it is much. So what there is to do is known before it is done.
 *
 * @throws what drawing throws: at once, not behind what still waits.
 * @example
 * ```ts
 * for await (const file of listAhead(files, { onItem: ({ sizeBytes }) => (total += sizeBytes), onEnd })) await read(file);
 * ```
 */
export async function* listAhead<T>(
  items: AsyncIterable<T>,
  { onItem, onEnd }: ListAheadOptions<T>,
): AsyncGenerator<T> {
  let arriving: Spool<T> = createSpool();
  let leaving: Spool<T> | undefined;
  let isEnded = false;
  let isLeft = false;
  let failure: { readonly error: unknown } | undefined;
  let wake = (): void => {};

  const draw = async (): Promise<void> => {
    try {
      for await (const item of items) {
        if (isLeft) return;
        arriving.push(item);
        onItem(item);
        wake();
      }
      onEnd();
    } catch (error) {
      failure = { error };
    }
    isEnded = true;
    wake();
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
      arriving = createSpool();
      for await (const item of leaving) {
        throwFailure();
        yield item;
      }
      throwFailure();
      leaving.close();
      if (isLast) return;
      if (arriving.length > 0 || isEnded) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    isLeft = true;
    await drawing;
    leaving?.close();
    arriving.close();
  }
}
