import { setImmediate as nextTurn } from "node:timers/promises";

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

async function takeTurn(): Promise<void> {
  await nextTurn();
  since = performance.now();
  turn = undefined;
}
