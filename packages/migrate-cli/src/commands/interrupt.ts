import { setMaxListeners } from "node:events";

/** How a run is ended from outside: first gently, then immediately. */
export interface Interrupt {
  /** Fires at the first Ctrl-C: start nothing new. */
  readonly stop: AbortSignal;
  /** Fires at the first Ctrl-C if nothing can be finished gently, else at the second: stop everything. */
  readonly abort: AbortSignal;
  /** Makes the first Ctrl-C gentle and calls `onStop` then. Without this call, the first one aborts. */
  allowGentleStop(onStop: () => void): void;
}

/** An {@link Interrupt} with the handle that fires it. */
export interface InterruptSource extends Interrupt {
  /** Reports a Ctrl-C. */
  fire(): void;
}

/**
 * Makes an {@link InterruptSource}.
 *
 * @param onSecond called at the second Ctrl-C.
 */
export function createInterrupt(onSecond: () => void = () => {}): InterruptSource {
  const stop = new AbortController();
  const abort = new AbortController();
  // Every file in progress listens to both.
  setMaxListeners(0, stop.signal, abort.signal);
  let gentle: (() => void) | undefined;
  return {
    stop: stop.signal,
    abort: abort.signal,
    allowGentleStop(onStop) {
      gentle = onStop;
    },
    fire() {
      if (stop.signal.aborted) {
        abort.abort();
        onSecond();
        return;
      }
      stop.abort();
      if (gentle === undefined) abort.abort();
      else gentle();
    },
  };
}
