import type { CustomKind } from "../check-arguments.ts";

/** Decides how many files are copied concurrently, from the results so far. */
export interface ConcurrencyControl {
  /** Returns how many files may be copied now; at least 1. */
  limit(): number;
  /** Called after each file that was copied. */
  done(sizeBytes: number): void;
  /** Called when a store has asked to slow down, or could not be reached. */
  pushBack(): void;
}

/** The kind of an option that takes a {@link ConcurrencyControl}. */
export const CONCURRENCY_CONTROL_KIND: CustomKind = {
  expected: "a ConcurrencyControl with limit(), done() and pushBack()",
  is: (value) =>
    typeof value === "object" && value !== null && "limit" in value && "done" in value && "pushBack" in value,
};

/** Options of {@link createAdaptiveConcurrency}. */
export interface AdaptiveConcurrencyOptions {
  /** The first number. Default {@link START_CONCURRENCY}. */
  readonly start?: number | undefined;
  /** The largest number. Default {@link MAX_CONCURRENCY}. */
  readonly max?: number | undefined;
  /** Returns the time in milliseconds. Default: the monotonic clock. */
  readonly now?: (() => number) | undefined;
  /** Returns the share of the time since the last call that this thread was busy, 0 to 1. Default: that of the event loop. */
  readonly load?: (() => number) | undefined;
}

/** The number of files that are copied concurrently at first, if it adapts. */
export const START_CONCURRENCY = 128;

/** The largest number of files that are copied concurrently, if it adapts. */
export const MAX_CONCURRENCY = 256;

/** The smallest number of files that are copied concurrently, if it adapts: each request also waits after a push-back. */
export const MIN_CONCURRENCY = 4;

/** The cost of the requests for one file, expressed in bytes, which is added to its size. */
const FILE_WORK_BYTES = 64 * 1024;

/** A higher number is kept if it increases the throughput by this factor. */
const WORTH_IT = 1.1;

/** The factor from one number to the next higher one. */
const STEP = 2;

/** A thread that is busy for more than this share of the time cannot send more. */
const BUSY = 0.9;

/** The minimum duration of a measurement, in milliseconds; it also takes at least as many files as are copied concurrently. */
const WINDOW_MS = 250;

/** A higher number is tried again after this many measurements at the best one. */
const TRY_AGAIN_AFTER = 16;

/**
 * Makes a {@link ConcurrencyControl} that climbs: it measures the throughput, tries a higher number if this thread is not
 * busy, and keeps it only if it is faster. After a push-back it halves, at most once per measurement and not below
 * {@link MIN_CONCURRENCY}, and climbs again later. So a distant store gets many concurrent requests, and a near, slow or busy
 * one no more than it can use.
 *
 * It complements `limited` and does not replace it: this one finds out how many files are worth copying concurrently, over two
 * backends; `limited` bounds the requests of one backend, whatever issues them, and reacts to each refusal.
 *
 * @example
 * ```ts
 * const control = createAdaptiveConcurrency();
 * await runMigration(disk, bucket, { concurrency: control });
 * ```
 */
export function createAdaptiveConcurrency(options: AdaptiveConcurrencyOptions = {}): ConcurrencyControl {
  const { max = MAX_CONCURRENCY, now = () => performance.now(), load = eventLoopLoad() } = options;
  let limit = Math.min(options.start ?? START_CONCURRENCY, max);
  /** The best number and its throughput; undefined before the first measurement. */
  let best: { readonly limit: number; readonly rate: number } | undefined;
  let rests = 0;
  let startedAt = 0;
  let files = 0;
  let work = 0;
  /** How many files to skip before a measurement: those started before the last change, and the slow first ones. */
  let settling = limit;
  let pushedBack = false;

  const begin = (): void => {
    startedAt = now();
    files = 0;
    work = 0;
    load();
  };

  const startWindow = (next: number): void => {
    settling = next === limit ? 0 : next;
    limit = next;
    pushedBack = false;
    begin();
  };

  const judge = (rate: number): void => {
    if (best === undefined || limit < best.limit || rate > best.rate * WORTH_IT || limit === best.limit) {
      const first = best === undefined || limit !== best.limit;
      best = { limit, rate };
      rests = first ? 0 : rests + 1;
      const climb = limit < max && (first || rests >= TRY_AGAIN_AFTER) && load() < BUSY;
      if (climb) rests = 0;
      startWindow(climb ? Math.min(max, Math.ceil(limit * STEP)) : limit);
      return;
    }
    rests = 0;
    startWindow(best.limit);
  };

  return {
    limit: () => limit,
    done(sizeBytes) {
      if (settling > 0) {
        settling--;
        if (settling === 0) begin();
        return;
      }
      files++;
      work += FILE_WORK_BYTES + sizeBytes;
      const elapsedMs = now() - startedAt;
      if (files >= limit && elapsedMs >= WINDOW_MS) judge(work / elapsedMs);
    },
    pushBack() {
      if (pushedBack) return;
      startWindow(Math.min(limit, Math.max(MIN_CONCURRENCY, Math.floor(limit / 2))));
      best = { limit, rate: Number.POSITIVE_INFINITY };
      rests = 0;
      pushedBack = true;
    },
  };
}

/** Makes a function that returns the share of the time since its last call that the event loop was busy. */
function eventLoopLoad(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const since = last;
    last = performance.eventLoopUtilization();
    return performance.eventLoopUtilization(last, since).utilization;
  };
}

/**
 * Makes a {@link ConcurrencyControl} that always returns the same number.
 *
 * @example
 * ```ts
 * await runMigration(disk, bucket, { concurrency: fixedConcurrency(8) });
 * ```
 */
export function fixedConcurrency(limit: number): ConcurrencyControl {
  return { limit: () => limit, done() {}, pushBack() {} };
}
