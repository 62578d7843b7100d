import type { ListPage, StorageBackend } from "@parquetry/core";

/**
 * Somebody who works on a backend one step at a time: each step is one call that the store answers at once (a get, a put,
 * a page, one key of a delete). An actor that gets no more steps is a process that was killed there.
 */
export class Actor<T> {
  /** What it works on. */
  readonly backend: StorageBackend;
  /** How many steps it has made. */
  steps = 0;
  /** What came out, once it is done. */
  outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(beneath: StorageBackend, run: (backend: StorageBackend) => Promise<T>) {
    this.backend = this.#stepwise(beneath);
    run(this.backend).then(
      (value) => {
        this.outcome = { value };
      },
      (error: unknown) => {
        this.outcome = { error };
      },
    );
  }

  /** Makes one step, and returns when the next one is due or the work is done. False where it was done already. */
  async step(): Promise<boolean> {
    await settled();
    const next = this.#waiting.shift();
    if (next === undefined) return false;
    this.steps++;
    next();
    await settled();
    return true;
  }

  /** Makes all steps that are left. */
  async finish(): Promise<T> {
    while (await this.step());
    if (this.outcome === undefined) throw new Error("the actor neither waits for a step nor is done");
    if ("error" in this.outcome) throw this.outcome.error;
    return this.outcome.value;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #stepwise(beneath: StorageBackend): StorageBackend {
    const turn = (): Promise<void> => this.#turn();
    const stepped = async <R>(run: () => Promise<R>): Promise<R> => {
      await turn();
      return run();
    };
    return {
      name: beneath.name,
      capabilities: beneath.capabilities,
      url: (key) => beneath.url(key),
      head: (key, options) => stepped(() => beneath.head(key, options)),
      get: (key, options) => stepped(() => beneath.get(key, options)),
      put: (key, body, options) => stepped(() => beneath.put(key, body, options)),
      copy: (from, to, options) => stepped(() => beneath.copy(from, to, options)),
      async *list(options): AsyncGenerator<ListPage> {
        await turn();
        yield* beneath.list(options);
      },
      async *delete(keys, options) {
        for await (const key of keys) {
          await turn();
          yield* beneath.delete([key], options);
        }
      },
      close: () => beneath.close(),
    };
  }
}

/** The memory backend answers within microtasks: when a macrotask runs, everybody waits for a step or is done. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
