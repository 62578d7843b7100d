import type { CustomKind } from "@parquetry/core/backend";

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
  /** Where it begins. Default {@link START_CONCURRENCY}. */
  readonly start?: number | undefined;
  /** Where it ends. Default {@link MAX_CONCURRENCY}. */
  readonly max?: number | undefined;
  /** Milliseconds since some moment. Default: the monotonic clock. */
  readonly now?: (() => number) | undefined;
  /** Which part of the time since it was last asked this thread has worked, 0 to 1. Default: that of the event loop. */
  readonly load?: (() => number) | undefined;
}

/** How many files are under way at first, where the number adapts. */
export const START_CONCURRENCY = 128;

/** The most files under way, where the number adapts. */
export const MAX_CONCURRENCY = 256;

/** The fewest files under way, where the number adapts: each of them waits by itself when it is pushed back. */
export const MIN_CONCURRENCY = 4;

/** A file is worth this many bytes beside its own: what asking for it costs, in bytes. */
const FILE_WORK_BYTES = 64 * 1024;

/** A higher number is kept where it makes things faster by this factor. */
const WORTH_IT = 1.1;

/** How much higher the next number is. */
const STEP = 2;

/** A thread that works for more than this part of the time cannot send more. */
const BUSY = 0.9;

/** A measurement takes at least this long, in milliseconds, and the files of one full round. */
const WINDOW_MS = 250;

/** After so many measurements at the number that was best, a higher one is tried again. */
const TRY_AGAIN_AFTER = 16;

/**
 * Makes a {@link ConcurrencyControl} that climbs: it measures the throughput and, where this thread has time to spare, tries
 * a higher number, keeps it while that is faster and goes back where it is not. At a push-back it halves, at most once a
 * measurement and not below {@link MIN_CONCURRENCY}, and climbs again later. So a store far away gets many requests at once,
 * and one that is near, slow or busy no more than it can use.
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
  /** The throughput at the number that was best, and that number; none while nothing was measured. */
  let best: { readonly limit: number; readonly rate: number } | undefined;
  let rests = 0;
  let startedAt = 0;
  let files = 0;
  let work = 0;
  /** The first files after a change were begun before it; and the very first ones begin slowly. */
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

/** Tells which part of the time since the last call the event loop was busy. */
function eventLoopLoad(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const since = last;
    last = performance.eventLoopUtilization();
    return performance.eventLoopUtilization(last, since).utilization;
  };
}

/** A {@link ConcurrencyControl} that always says the same number. */
export function fixedConcurrency(limit: number): ConcurrencyControl {
  return { limit: () => limit, done() {}, pushBack() {} };
}
