/** A disk is slow if a small read takes longer on average, in milliseconds. */
const SLOW_MS = 1;
/** A single read counts as no more: this process may have been waiting for a processor. */
const MAX_MS = 4;
/** Reads that are made before that is decided. */
const TRIED_READS = 16;

/** Measures small synchronous reads. On a slow disk several have to run at a time, as DuckDB's do. */
export class ReadPace {
  #reads = 0;
  #ms = 0;

  get isSlow(): boolean {
    return this.#reads >= TRIED_READS && this.#ms > this.#reads * SLOW_MS;
  }

  /** Runs a read. */
  time<T>(read: () => T): T {
    const started = performance.now();
    try {
      return read();
    } finally {
      this.#reads++;
      this.#ms += Math.min(performance.now() - started, MAX_MS);
    }
  }
}
