import { setMaxListeners } from "node:events";

/** How a run is ended from outside: first gently, then immediately. */
export interface Interrupt {
  /** Fires at the first Ctrl-C: start nothing new. */
  readonly stop: AbortSignal;
  /** Fires at the first Ctrl-C if nothing can be finished gently, else at the second: stop everything. */
  readonly abort: AbortSignal;
  /** Makes the first Ctrl-C gentle. Without this call, the first one aborts. */
  allowGentleStop(): void;
  /** Reports that a store does not answer: what is under way there cannot be finished, so a gentle stop becomes an abort. */
  storeIsSilent(): void;
}

/** An {@link Interrupt} with the handle that fires it. */
export interface InterruptSource extends Interrupt {
  /** Reports a Ctrl-C. */
  fire(): void;
}

/** A store that was reported as silent is taken to be so for this long, in milliseconds: the report is repeated every minute. */
const SILENCE_MS = 65_000;

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
  let isGentle = false;
  let silentAt = Number.NEGATIVE_INFINITY;
  return {
    stop: stop.signal,
    abort: abort.signal,
    allowGentleStop() {
      isGentle = true;
    },
    storeIsSilent() {
      silentAt = performance.now();
      if (stop.signal.aborted) abort.abort();
    },
    fire() {
      if (stop.signal.aborted) {
        abort.abort();
        onSecond();
        return;
      }
      stop.abort();
      if (!isGentle || performance.now() - silentAt < SILENCE_MS) abort.abort();
    },
  };
}
