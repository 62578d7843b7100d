import { abortedError, onAbort, throwIfAborted } from "../abort.ts";
import { isStorageError } from "../storage-error.ts";

/** How many operations run at once. */
export interface LimitOptions {
  /** The most, in good times. Default {@link DEFAULT_MAX_CONCURRENT}. */
  readonly maxConcurrent?: number | undefined;
  /** The fewest, while the store is overloaded. Default 1. */
  readonly minConcurrent?: number | undefined;
  /** Told of each new limit. */
  readonly onLimit?: ((limit: number) => void) | undefined;
}

/** Operations of one backend that `limited` lets run at once. */
export const DEFAULT_MAX_CONCURRENT = 64;

/** A holder that has waited for its caller this long no longer counts, in milliseconds. */
const IDLE_MS = 50;

/** The right to have one operation under way. */
export interface Slot {
  /** The holder now waits for its caller, not for the store. */
  idle(): void;
  /** The holder goes on. */
  resume(): void;
  /** The operation is over; `error` is how, where it failed. Only the first call counts. */
  release(error?: unknown): void;
}

interface Holder {
  idleSince: number;
  /** Idle for so long that somebody else may use its place. */
  isLent: boolean;
  isOver: boolean;
}

interface Waiter {
  admit(): void;
}

/**
 * Limits what is under way at once, first come first served, and adapts: a store that says it is overloaded halves the
 * limit, successes at the limit raise it by one a round (additive increase, multiplicative decrease: Chiu and Jain, 1989).
 *
 * A holder that waits for its caller — an open body that nobody reads, a put whose source has nothing to give — loses its
 * place to whoever waits, so that a program that reads one object to write another can never block itself.
 */
export class AdaptiveLimit {
  readonly #max: number;
  readonly #min: number;
  readonly #onLimit: LimitOptions["onLimit"];
  readonly #waiting = new Set<Waiter>();
  /** Who has a place and waits for its caller. */
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
   * A place: at once where there is one, else as soon as one is free.
   *
   * @throws StorageError `aborted` where the signal fires first.
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
      // What started before the last decrease tells nothing about the limit since.
      if (startedAt < this.#decreasedAt) return;
      this.#decreasedAt = performance.now();
      this.#limit = Math.max(this.#min, before / 2);
    } else if (error === undefined && this.#busy >= before) {
      this.#limit = Math.min(this.#max, this.#limit + 1 / before);
    }
    const after = Math.floor(this.#limit);
    if (after !== before) this.#onLimit?.(after);
  }

  /** Takes the places of idle holders, once they have been idle for a while and somebody waits. */
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

/** What says that there is too much at once, for the store or for the way to it; not that the caller's own time is up. */
function isOverload(error: unknown): boolean {
  if (!isStorageError(error)) return false;
  const { code, retry } = error;
  return code === "rate_limited" || code === "unavailable" || (code === "timeout" && retry === "safe");
}
