import type { StorageBackend } from "@parquetry/core";
import { abilitiesOf, type ListPage, withAbilities } from "@parquetry/core/backend";

/** The key that the next step of a program touches. */
export interface Touch {
  /** The keys whose objects it creates, changes or removes. */
  readonly writes: readonly string[];
  /** The keys whose objects it depends on, or all of a listing. */
  readonly reads: readonly string[] | "all";
}

/** Whether the order of two steps makes a difference: one of them writes what the other one reads or writes. */
export function doConflict(a: Touch, b: Touch): boolean {
  const affects = ({ writes }: Touch, other: Touch): boolean =>
    writes.some((key) => other.reads === "all" || other.reads.includes(key) || other.writes.includes(key));
  return affects(a, b) || affects(b, a);
}

const reading = (...reads: string[]): Touch => ({ reads, writes: [] });
const writing = (...writes: string[]): Touch => ({ reads: [], writes });

/** Turns of the event loop in which other branches of a program reach their next step. */
const QUIET_TURNS = 2;
/** After this many turns, a program that is neither done nor waiting for a step has hung. */
const MAX_TURNS = 10_000;

/**
 * A program that uses a backend one step at a time. A step is one atomic call of the store (a get, a put, a page, one key of a
 * delete, a rename). An actor that gets no more steps is a process that was killed there.
 */
export class Actor<T> {
  /** The backend that it uses. */
  readonly backend: StorageBackend;
  /** The store beneath it, which makes no steps. */
  readonly beneath: StorageBackend;
  /** How many steps it has made. */
  steps = 0;
  /** The result, once it is done. */
  outcome: { readonly value: T } | { readonly error: unknown } | undefined;
  readonly #waiting: { readonly touch: Touch; readonly go: () => void }[] = [];

  constructor(beneath: StorageBackend, run: (backend: StorageBackend) => Promise<T>) {
    this.beneath = beneath;
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

  /** Returns what the next step touches, or undefined if the program is done. */
  async next(): Promise<Touch | undefined> {
    await this.#settled();
    return this.#waiting[0]?.touch;
  }

  /** Makes one step, and resolves when the next one is due or the program is done. Returns false if it was done already. */
  async step(): Promise<boolean> {
    await this.#settled();
    const next = this.#waiting.shift();
    if (next === undefined) return false;
    this.steps++;
    next.go();
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

  #turn(touch: Touch): Promise<void> {
    return new Promise((go) => this.#waiting.push({ touch, go }));
  }

  #stepwise(beneath: StorageBackend): StorageBackend {
    const turn = (touch: Touch): Promise<void> => this.#turn(touch);
    const stepped = async <R>(touch: Touch, run: () => Promise<R>): Promise<R> => {
      await turn(touch);
      return run();
    };
    const { renames } = abilitiesOf(beneath);
    const backend: StorageBackend = {
      name: beneath.name,
      capabilities: beneath.capabilities,
      url: (key) => beneath.url(key),
      head: (key, options) => stepped(reading(key), () => beneath.head(key, options)),
      get: (key, options) => stepped(reading(key), () => beneath.get(key, options)),
      put: (key, body, options) => stepped(writing(key), () => beneath.put(key, body, options)),
      copy: (from, to, options) =>
        stepped({ reads: [from], writes: [to] }, () => beneath.copy(from, to, options)),
      async *list(options): AsyncGenerator<ListPage> {
        await turn({ reads: "all", writes: [] });
        yield* beneath.list(options);
      },
      async *delete(keys, options) {
        for await (const key of keys) {
          await turn(writing(key));
          yield* beneath.delete([key], options);
        }
      },
      close: () => beneath.close(),
    };
    if (renames === undefined) return backend;
    return withAbilities(backend, {
      renames: {
        async rename(from, to, { removing = [] } = {}) {
          await stepped(writing(from, to), () => renames.rename(from, to));
          for (const key of removing) for await (const _ of backend.delete([key]));
        },
      },
    });
  }
}
