/** Adds up what several calls take, some of which may run at the same time. */
export class Stopwatch {
  #elapsedMs = 0;
  #running = 0;
  #since = 0;

  /** So much time passed while at least one call ran, in milliseconds. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Makes a call. */
  async time<T>(call: () => Promise<T>): Promise<T> {
    if (this.#running++ === 0) this.#since = performance.now();
    try {
      return await call();
    } finally {
      if (--this.#running === 0) this.#elapsedMs += performance.now() - this.#since;
    }
  }
}
