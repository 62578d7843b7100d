import { abortedError, onAbort, throwIfAborted } from "../abort.ts";
import type { OptionKinds } from "../check-arguments.ts";
import { isStorageError } from "../storage-error.ts";

/** How many operations run concurrently. */
export interface LimitOptions {
  /** The limit while the store is not throttling. Default {@link DEFAULT_MAX_CONCURRENT}. */
  readonly maxConcurrent?: number | undefined;
  /** The lowest limit while the store is overloaded. Default 1. */
  readonly minConcurrent?: number | undefined;
  /** Called with each new limit. */
  readonly onLimit?: ((limit: number) => void) | undefined;
}

/** The kinds of the fields of {@link LimitOptions}. */
export const LIMIT_OPTIONS: OptionKinds<LimitOptions> = {
  maxConcurrent: "count",
  minConcurrent: "count",
  onLimit: "function",
};

/** The number of operations of one backend that `limited` runs concurrently by default. */
export const DEFAULT_MAX_CONCURRENT = 64;

/** After waiting this long for its caller, in milliseconds, a holder lends its place. */
const IDLE_MS = 50;

/** The right to have one operation under way. */
export interface Slot {
  /** Marks the holder as waiting for its caller instead of the store. */
  idle(): void;
  /** Ends {@link Slot.idle}. */
  resume(): void;
  /** Ends the operation, with its error if it failed. Only the first call has an effect. */
  release(error?: unknown): void;
}

interface Holder {
  idleSince: number;
  /** Idle for so long that another operation may use its place. */
  isLent: boolean;
  isOver: boolean;
}

interface Waiter {
  admit(): void;
}

/**
 * Limits how many operations run concurrently, first come, first served. The limit adapts: an overloaded store halves it, a
 * round of successes at the limit raises it by one (additive increase, multiplicative decrease: Chiu and Jain, 1989).
 *
 * A holder that waits for its caller (an open body that nobody reads, a put whose source stalls) lends its place to waiting
 * operations, so that a program that reads one object to write another can never block itself.
 */
export class AdaptiveLimit {
  readonly #max: number;
  readonly #min: number;
  readonly #onLimit: LimitOptions["onLimit"];
  readonly #waiting = new Set<Waiter>();
  /** Holders that wait for their callers. */
  readonly #idle = new Set<Holder>();
  #limit: number;
  #busy = 0;
  #decreasedAt = Number.NEGATIVE_INFINITY;
  #reclaim: NodeJS.Timeout | undefined;

  constructor({ maxConcurrent = DEFAULT_MAX_CONCURRENT, minConcurrent = 1, onLimit }: LimitOptions) {
    this.#max = Math.max(1, Math.floor(maxConcurrent));
    this.#min = Math.min(this.#max, Math.max(1, Math.floor(minConcurrent)));
    this.#limit = this.#max;
    this.#onLimit = onLimit;
  }

  /**
   * Returns a place, or a promise of the next free one.
   *
   * @throws StorageError `aborted` if the signal fires first.
   */
  acquire(signal: AbortSignal | undefined, op: string, path: string, backend: string): Slot | Promise<Slot> {
    throwIfAborted(signal, op, path, backend);
    if (this.#waiting.size === 0 && this.#hasPlace()) return this.#hold();
    return new Promise((resolve, reject) => {
      const forget =
        signal &&
        onAbort(signal, () => {
          this.#waiting.delete(waiter);
          reject(abortedError(signal, op, path, backend));
        });
      const waiter: Waiter = {
        admit: () => {
          forget?.();
          resolve(this.#hold());
        },
      };
      this.#waiting.add(waiter);
      this.#scheduleReclaim();
    });
  }

  #hold(): Slot {
    const holder: Holder = { idleSince: 0, isLent: false, isOver: false };
    const startedAt = performance.now();
    this.#busy++;
    return {
      idle: () => {
        if (holder.isOver || holder.isLent) return;
        holder.idleSince = performance.now();
        this.#idle.add(holder);
        this.#scheduleReclaim();
      },
      resume: () => {
        this.#idle.delete(holder);
        if (!holder.isLent || holder.isOver) return;
        holder.isLent = false;
        this.#busy++;
      },
      release: (error) => {
        if (holder.isOver) return;
        holder.isOver = true;
        this.#idle.delete(holder);
        this.#adapt(error, startedAt);
        if (!holder.isLent) this.#busy--;
        this.#admit();
      },
    };
  }

  #hasPlace(): boolean {
    return this.#busy < Math.floor(this.#limit);
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      if (!this.#hasPlace()) return;
      this.#waiting.delete(waiter);
      waiter.admit();
    }
  }

  #adapt(error: unknown, startedAt: number): void {
    const before = Math.floor(this.#limit);
    if (isOverload(error)) {
      // An operation that started before the last decrease ran under the earlier limit.
      if (startedAt < this.#decreasedAt) return;
      this.#decreasedAt = performance.now();
      this.#limit = Math.max(this.#min, before / 2);
    } else if (error === undefined && this.#busy >= before) {
      this.#limit = Math.min(this.#max, this.#limit + 1 / before);
    }
    const after = Math.floor(this.#limit);
    if (after !== before) this.#onLimit?.(after);
  }

  /** Lends the places of holders that have been idle for a while, if operations wait. */
  #scheduleReclaim(): void {
    if (this.#reclaim !== undefined || this.#waiting.size === 0 || this.#idle.size === 0) return;
    this.#reclaim = setTimeout(() => {
      this.#reclaim = undefined;
      const since = performance.now() - IDLE_MS;
      for (const holder of this.#idle) {
        if (holder.idleSince > since) continue;
        this.#idle.delete(holder);
        holder.isLent = true;
        this.#busy--;
      }
      this.#admit();
      this.#scheduleReclaim();
    }, IDLE_MS);
  }
}

/** Whether an error means that too much runs concurrently, for the store or the network; not that the caller's time is up. */
function isOverload(error: unknown): boolean {
  if (!isStorageError(error)) return false;
  const { code, retry } = error;
  return code === "rate_limited" || code === "unavailable" || (code === "timeout" && retry === "safe");
}
