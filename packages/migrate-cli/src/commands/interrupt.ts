import { setMaxListeners } from "node:events";

/** How a run is ended from outside: first gently, then at once. */
export interface Interrupt {
  /** Fires at the first Ctrl-C: begin nothing new. */
  readonly stop: AbortSignal;
  /** Fires where there is nothing to finish gently, or at the second Ctrl-C: leave everything. */
  readonly abort: AbortSignal;
  /** From here on the first Ctrl-C is gentle; `onStop` is told. Without it, the first one aborts. */
  allowGentleStop(onStop: () => void): void;
}

/** An {@link Interrupt} with the handle that fires it. */
export interface InterruptSource extends Interrupt {
  /** A Ctrl-C has come. */
  fire(): void;
}

/**
 * Makes an {@link InterruptSource}.
 *
 * @param onSecond called when there is no more to wait for.
 */
export function createInterrupt(onSecond: () => void = () => {}): InterruptSource {
  const stop = new AbortController();
  const abort = new AbortController();
  // Every file under way listens to both.
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
