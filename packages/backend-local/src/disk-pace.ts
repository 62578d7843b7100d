import { setImmediate as otherWork } from "node:timers/promises";

/** A call that takes longer than this waited for the device, not for its memory, in milliseconds. */
const QUICK_MS = 0.25;

/** So many in a row are the device; fewer may have been this process waiting for its turn. */
const SLOW_IN_A_ROW = 4;

/** After so many reads on other threads, this one is tried again. */
const TRY_AGAIN_AFTER = 256;

/** How long this thread is kept from other work at a stretch, in milliseconds. */
const STRETCH_MS = 8;

/**
 * Decides on which thread a file system is asked. What it holds in memory is read on this thread: handing a call to another
 * one costs several times the call itself. As soon as some have waited for the device, many are asked for at once on the
 * system's threads instead, and later it is tried again.
 */
export class DiskPace {
  #later = 0;
  #slow = 0;
  #stretchBegan: number = performance.now();

  /** Whether the file system answers at once, as far as is known. */
  get isQuick(): boolean {
    return this.#later === 0;
  }

  /** Runs so many calls on this thread, and learns how long they took. */
  now<T>(run: () => T, calls: number): T {
    const startedAt = performance.now();
    const result = run();
    this.took(performance.now() - startedAt, calls);
    return result;
  }

  /** Learns how long so many calls took, made one after the other. */
  took(ms: number, calls: number): void {
    this.#slow = ms > QUICK_MS * calls ? this.#slow + 1 : 0;
    if (this.#slow < SLOW_IN_A_ROW) return;
    this.#slow = 0;
    this.#later = TRY_AGAIN_AFTER;
  }

  /** Told that something is read on other threads. */
  later(): void {
    if (this.#later > 0) this.#later--;
  }

  /** Whether other work has waited long enough; then {@link DiskPace.rest}. */
  get isTired(): boolean {
    return performance.now() - this.#stretchBegan > STRETCH_MS;
  }

  /** Lets other work go first. */
  async rest(): Promise<void> {
    await otherWork();
    this.#stretchBegan = performance.now();
  }
}
