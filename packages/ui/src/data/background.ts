/** Something that runs in the background, one run at a time. */
export class Background {
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** Stops the run, and starts this one once that has ended. A run that was stopped before it began does not begin. */
  async restart(run: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    const last = this.#running;
    this.#running = last.then(() => (signal.aborted ? undefined : run(signal)));
    await last;
  }

  /** Stops the run, and waits until it has ended. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
