import { setTimeout as sleep } from "node:timers/promises";

/** Delays callers so that together they stay below a rate. */
export interface BandwidthLimiter {
  /** Resolves when this many bytes may be sent; rejects with the signal's reason if it fires first. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

/** A clock with a timer; tests pass their own. */
export interface Clock {
  /** Returns the time in milliseconds. */
  now(): number;
  /** Resolves after this many milliseconds. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

const SYSTEM_CLOCK: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/**
 * Limits the bytes per second of all callers together. Each call reserves its share of the time and waits for its turn, so
 * that no burst is longer than one call.
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
  let freeAt = Number.NEGATIVE_INFINITY;
  return {
    async take(bytes, signal) {
      const now = clock.now();
      const startAt = Math.max(now, freeAt);
      freeAt = startAt + (bytes / bytesPerSecond) * 1000;
      if (startAt > now) await clock.sleep(startAt - now, signal);
    },
  };
}
