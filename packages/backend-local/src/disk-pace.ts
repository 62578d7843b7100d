/** A call that takes longer than this, in milliseconds, has waited for the device and not only for the page cache. */
const QUICK_MS = 0.25;

/** The number of slow calls in a row that prove a slow device; fewer may be due to a busy CPU. */
const SLOW_IN_A_ROW = 4;

/** The number of reads on other threads before the calling thread is tried again. */
const TRY_AGAIN_AFTER = 256;

/**
 * Decides which thread calls the file system. A call that is answered from memory runs on the calling thread, since passing
 * it to another one takes several times as long as the call itself. Once calls have waited for the device, many run
 * concurrently on the thread pool instead, and the calling thread is tried again later.
 */
export class DiskPace {
  #later = 0;
  #slow = 0;

  /** Whether the file system answers from memory, as far as is known. */
  get isQuick(): boolean {
    return this.#later === 0;
  }

  /** Runs a number of calls on this thread, and records how long they took. */
  now<T>(run: () => T, calls: number): T {
    const startedAt = performance.now();
    const result = run();
    this.took(performance.now() - startedAt, calls);
    return result;
  }

  /** Records how long a number of successive calls took. */
  took(ms: number, calls: number): void {
    this.#slow = ms > QUICK_MS * calls ? this.#slow + 1 : 0;
    if (this.#slow < SLOW_IN_A_ROW) return;
    this.#slow = 0;
    this.#later = TRY_AGAIN_AFTER;
  }

  /** Records a read on another thread. */
  later(): void {
    if (this.#later > 0) this.#later--;
  }
}
