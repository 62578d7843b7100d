import { nextTurn } from "#platform";

/** How long work may hold the event loop before it yields, in milliseconds. */
export const STRETCH_MS = 8;

let since: number = performance.now();
let turn: Promise<void> | undefined;

/**
 * Whether the work of this thread has held the event loop for {@link STRETCH_MS} or longer. A synchronous check for inner loops: it takes
 * about 50 ns.
 *
 * @example
 * ```ts
 * for (const row of rows) {
 *   if (isYieldDue()) await yieldIfDue();
 *   convert(row);
 * }
 * ```
 */
export function isYieldDue(): boolean {
  return performance.now() - since >= STRETCH_MS;
}

/**
 * Lets the event loop turn if its last turn was {@link STRETCH_MS} or longer ago, else returns immediately. Timers, responses of
 * others and abort signals run in that turn, so check the signal afterwards. A promise that is fulfilled from memory does not let
 * the loop turn: work that awaits only such promises needs this. One clock serves all work of the thread, so any number of
 * concurrent tasks holds the loop no longer than one of them.
 *
 * @example
 * ```ts
 * await yieldIfDue();
 * throwIfAborted(signal, "scan", key, backend.name);
 * ```
 */
export async function yieldIfDue(): Promise<void> {
  while (isYieldDue()) {
    turn ??= takeTurn();
    await turn;
  }
}

/** Items between two looks at the clock. */
const LOOK_EVERY = 64;

/**
 * `items.forEach(run)` for lists that may be long: the event loop turns in between. `pause` is called after each turn; an error that
 * it throws ends the loop.
 *
 * @example
 * ```ts
 * await forEachYielding(rows, (row) => convert(row), () => throwIfAborted(signal, "scan", key, backend.name));
 * ```
 */
export async function forEachYielding<T>(
  items: ArrayLike<T>,
  run: (item: T, index: number) => void,
  pause?: () => void,
): Promise<void> {
  for (let i = 0; i < items.length; i++) {
    if (i % LOOK_EVERY === 0 && isYieldDue()) {
      await yieldIfDue();
      pause?.();
    }
    // There is an item at each index.
    run(items[i] as T, i);
  }
}

async function takeTurn(): Promise<void> {
  await nextTurn();
  since = performance.now();
  turn = undefined;
}
