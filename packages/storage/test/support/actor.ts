import type { StorageBackend } from "@parquetry/core";
import { abilitiesOf, type ListPage, withAbilities } from "@parquetry/core/backend";

/** Turns of the event loop in which other branches of a program reach their next step. */
const QUIET_TURNS = 2;
/** A program that is neither done nor waits for a step after so many turns never will. */
const MAX_TURNS = 10_000;

/**
 * A program that uses a backend one step at a time. A step is one atomic call of the store (a get, a put, a page, one key of a
 * delete, a rename). An actor that gets no more steps is a process that was killed there.
 */
export class Actor<T> {
  /** The backend that it uses. */
  readonly backend: StorageBackend;
  /** How many steps it has made. */
  steps = 0;
  /** The result, once it is done. */
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

  /** Makes one step, and resolves when the next one is due or the program is done. Returns false if it was done already. */
  async step(): Promise<boolean> {
    await this.#settled();
    const next = this.#waiting.shift();
    if (next === undefined) return false;
    this.steps++;
    next();
    await this.#settled();
    return true;
  }

  /** Makes all remaining steps. */
  async finish(): Promise<T> {
    while (await this.step());
    if (this.outcome === undefined) throw new Error("the actor neither waits for a step nor is done");
    if ("error" in this.outcome) throw this.outcome.error;
    return this.outcome.value;
  }

  /**
   * Resolves when the program waits for a step or is done. The memory backend answers within microtasks, but work that has held
   * the event loop for long lets it turn first.
   */
  async #settled(): Promise<void> {
    for (let turns = 0; turns < QUIET_TURNS || (this.#isBusy() && turns < MAX_TURNS); turns++)
      await new Promise((resolve) => setImmediate(resolve));
  }

  #isBusy(): boolean {
    return this.#waiting.length === 0 && this.outcome === undefined;
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
    const { renames } = abilitiesOf(beneath);
    const backend: StorageBackend = {
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
    if (renames === undefined) return backend;
    return withAbilities(backend, {
      renames: {
        async rename(from, to, { removing = [] } = {}) {
          await stepped(() => renames.rename(from, to));
          for (const key of removing) for await (const _ of backend.delete([key]));
        },
      },
    });
  }
}
