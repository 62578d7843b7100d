import { onAbort } from "../abort.ts";

/** Delays callers so that together they stay below a rate. */
export interface BandwidthLimiter {
  /** The most bytes that one call of {@link BandwidthLimiter.take} should ask for: what the rate allows in 50 ms. */
  readonly sliceBytes: number;
  /** Resolves when this many bytes may be sent, in the order of the calls; rejects with the signal's reason if it fires first. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
  /** Counts bytes that moved without a turn; negative for bytes that were taken and did not move. */
  charge(bytes: number): void;
}

/** A clock with a timer; tests pass their own. */
export interface Clock {
  /** Returns the time in milliseconds. */
  now(): number;
  /** Calls back after this many milliseconds; the returned function cancels that. */
  setTimer(ms: number, callback: () => void): () => void;
}

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  setTimer(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** How much of the rate one call should ask for, in milliseconds. */
const SLICE_MS = 50;

/** Timers fire late. This much lost time may be made up for, in milliseconds; it is also the longest burst. */
const CATCH_UP_MS = 50;

interface Waiter {
  readonly bytes: number;
  readonly enter: () => void;
}

/**
 * Limits the bytes per second of all callers together. Each call takes its share of the time and waits for its turn, so that in
 * any period no more than the rate, 50 ms of it, and one call pass.
 *
 * @example
 * ```ts
 * const limiter = createBandwidthLimiter(10_000_000); // 10 MB/s
 * await limiter.take(chunk.byteLength);
 * ```
 */
export function createBandwidthLimiter(
  bytesPerSecond: number,
  clock: Clock = SYSTEM_CLOCK,
): BandwidthLimiter {
  const bytesPerMs = bytesPerSecond / 1000;
  const waiting = new Set<Waiter>();
  /** When the bytes that were taken so far have passed. */
  let freeAt = Number.NEGATIVE_INFINITY;
  let stopTimer: (() => void) | undefined;

  const count = (bytes: number): void => {
    freeAt = Math.max(freeAt, clock.now() - CATCH_UP_MS) + bytes / bytesPerMs;
  };
  const admit = (): void => {
    stopTimer?.();
    stopTimer = undefined;
    for (const waiter of waiting) {
      const waitMs = freeAt - clock.now();
      if (waitMs > 0) {
        stopTimer = clock.setTimer(Math.min(waitMs, 2 ** 31 - 1), admit);
        return;
      }
      waiting.delete(waiter);
      count(waiter.bytes);
      waiter.enter();
    }
  };

  return {
    sliceBytes: Math.max(1, Math.floor(bytesPerMs * SLICE_MS)),
    take: (bytes, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        let forget = (): void => {};
        const waiter: Waiter = {
          bytes,
          enter() {
            forget();
            resolve();
          },
        };
        if (signal !== undefined) {
          forget = onAbort(signal, () => {
            waiting.delete(waiter);
            reject(signal.reason);
            admit();
          });
        }
        waiting.add(waiter);
        if (stopTimer === undefined) admit();
      }),
    charge(bytes) {
      count(bytes);
      if (bytes < 0) admit();
    },
  };
}

/** The limits of a backend's traffic, up and down. */
export interface TransferLimits {
  /** Limits what is sent. */
  readonly upload: BandwidthLimiter;
  /** Limits what is received. */
  readonly download: BandwidthLimiter;
}

/** Makes limits of the same rate for both directions, each on its own, as a full-duplex connection has them. */
export function createTransferLimits(bytesPerSecond: number): TransferLimits {
  return { upload: createBandwidthLimiter(bytesPerSecond), download: createBandwidthLimiter(bytesPerSecond) };
}
