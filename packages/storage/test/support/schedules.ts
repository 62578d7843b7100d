import { isStorageError, type StorageBackend } from "@parquetry/core";
import { abilitiesOf, withAbilities } from "@parquetry/core/backend";
import { abortedError } from "@parquetry/core/unstable";
import { Actor, doConflict, type Touch } from "./actor.ts";

/** `PARQUETRY_SCHEDULES=all` is the long run: also the orders that can make no difference. */
const ALL = process.env["PARQUETRY_SCHEDULES"] === "all";

/** Two actors, and the order of the steps that they have made. */
class Schedule<B> {
  readonly a: Actor<unknown>;
  readonly b: Actor<B>;
  readonly order: ("a" | "b")[] = [];
  #last: Touch | undefined;

  constructor(a: Actor<unknown>, b: Actor<B>) {
    this.a = a;
    this.b = b;
  }

  /** Returns the actors that may make the next step, the first choice first; none if the order is redundant. */
  async choices(): Promise<readonly ("a" | "b")[]> {
    const [a, b] = [await this.a.next(), await this.b.next()];
    if (a === undefined && b === undefined)
      throw new Error("the actors neither wait for a step nor are done");
    const last = this.order.at(-1);
    // If b's last step and a's next one do not affect each other, the same happens when a goes first, which is another schedule.
    const isRedundant = !ALL && last === "b" && a !== undefined && this.#last && !doConflict(this.#last, a);
    const choices: ("a" | "b")[] = [];
    if (b !== undefined) choices.push("b");
    if (a !== undefined && !isRedundant) choices.push("a");
    return choices;
  }

  async step(who: "a" | "b"): Promise<void> {
    const actor = who === "a" ? this.a : this.b;
    this.#last = await actor.next();
    await actor.step();
    this.order.push(who);
  }
}

/**
 * Yields the schedules of two actors: every order of their steps that can make a difference. Two orders that differ only in
 * adjacent steps that do not affect each other have the same outcome, and one of them is yielded.
 *
 * @param isDone ends a schedule early.
 */
async function* everySchedule<B>(
  open: () => Promise<Schedule<B>>,
  isDone: (schedule: Schedule<B>) => boolean,
): AsyncGenerator<Schedule<B>> {
  /** The choices so far, each with those that were not made yet. */
  const path: { readonly made: "a" | "b"; readonly left: readonly ("a" | "b")[] }[] = [];
  for (;;) {
    const schedule = await open();
    for (const { made } of path) await schedule.step(made);
    while (!isDone(schedule)) {
      const [made, ...left] = await schedule.choices();
      if (made === undefined) break;
      path.push({ made, left });
      await schedule.step(made);
    }
    if (isDone(schedule)) yield schedule;
    for (;;) {
      const last = path.pop();
      if (last === undefined) return;
      const [made, ...left] = last.left;
      if (made === undefined) continue;
      path.push({ made, left });
      break;
    }
  }
}

/** A read concurrent with a write that was stopped after some steps. */
export interface Reading<R> {
  readonly read: R;
  readonly writerSteps: number;
  readonly backend: StorageBackend;
}

/**
 * Yields every order of a reader's and a writer's steps that can make a difference, with the writer killed after each of its steps. The writer makes
 * no step after the reader's last one, since a reader that is done cannot tell a dead writer from a slow one.
 */
export async function* everyReading<R>(
  open: () => Promise<StorageBackend>,
  write: (backend: StorageBackend) => Promise<unknown>,
  read: (backend: StorageBackend) => Promise<R>,
): AsyncGenerator<Reading<R>> {
  const openBoth = async (): Promise<Schedule<R>> => {
    const backend = await open();
    return new Schedule(new Actor(backend, write), new Actor(backend, read));
  };
  for await (const { a: writer, b: reader } of everySchedule(openBoth, ({ b }) => b.outcome !== undefined))
    yield { read: await reader.finish(), writerSteps: writer.steps, backend: reader.beneath };
}

/** A store after a writer was killed. */
export interface Stop {
  readonly backend: StorageBackend;
  /** Whether the writer was done. */
  readonly isDone: boolean;
}

/** Yields the store after each number of steps that a writer can make before it is killed. */
export async function* everyStop(
  open: () => Promise<StorageBackend>,
  write: (backend: StorageBackend) => Promise<unknown>,
): AsyncGenerator<Stop> {
  for (let steps = 0; ; steps++) {
    const backend = await open();
    const writer = new Actor(backend, write);
    while (writer.steps < steps && (await writer.step()));
    if (writer.steps < steps) return;
    yield { backend, isDone: writer.outcome !== undefined };
  }
}

/** Two writers that are both done. */
export interface Race {
  readonly outcomes: readonly [Actor<unknown>["outcome"], Actor<unknown>["outcome"]];
  readonly order: string;
  readonly backend: StorageBackend;
}

/** Yields every order of the steps of two writers that can make a difference. */
export async function* everyRace(
  open: () => Promise<StorageBackend>,
  first: (backend: StorageBackend) => Promise<unknown>,
  second: (backend: StorageBackend) => Promise<unknown>,
): AsyncGenerator<Race> {
  const openBoth = async (): Promise<Schedule<unknown>> => {
    const backend = await open();
    return new Schedule(new Actor(backend, first), new Actor(backend, second));
  };
  const areDone = ({ a, b }: Schedule<unknown>): boolean =>
    a.outcome !== undefined && b.outcome !== undefined;
  for await (const { a, b, order } of everySchedule(openBoth, areDone))
    yield { outcomes: [a.outcome, b.outcome], order: order.join(""), backend: a.beneath };
}

/** A store after a writer whose put was aborted. */
export interface AbortedPut {
  readonly backend: StorageBackend;
  /** Which put was aborted, from 1. */
  readonly put: number;
  /** When the store carried it out. A store that renames never does: it is a disk, whose put has ended when it rejects. */
  readonly stored: "never" | "before the writer went on" | "after the writer had ended";
}

/**
 * Yields the store after each put of a writer was aborted, for everything that the store may make of such a put.
 *
 * @param reason the reason of the signal. Default: that of a plain `abort()`.
 */
export async function* everyAbort(
  open: () => Promise<StorageBackend>,
  write: (backend: StorageBackend, signal: AbortSignal) => Promise<unknown>,
  reason?: DOMException,
): AsyncGenerator<AbortedPut> {
  for (let put = 1; ; put++) {
    for (const stored of ["never", "before the writer went on", "after the writer had ended"] as const) {
      const backend = await open();
      if (stored !== "never" && abilitiesOf(backend).renames !== undefined) continue;
      const controller = new AbortController();
      const { signal } = controller;
      let puts = 0;
      let late: (() => Promise<unknown>) | undefined;
      const aborting: StorageBackend = {
        ...backend,
        async put(key, body, options) {
          const run = (): Promise<Awaited<ReturnType<StorageBackend["put"]>>> =>
            backend.put(key, body, options);
          // A put without a signal follows the commit, which cannot be aborted.
          if (options?.signal === undefined || ++puts !== put) return run();
          if (stored === "before the writer went on") await run();
          if (stored === "after the writer had ended") late = run;
          controller.abort(reason);
          throw abortedError(signal, "put", key);
        },
      };
      const outcome = await write(withAbilities(aborting, abilitiesOf(backend)), signal).catch(
        (error: unknown) => error,
      );
      if (puts < put) return;
      if (!isStorageError(outcome, reason === undefined ? "aborted" : "timeout")) throw outcome;
      await late?.().catch(() => {});
      yield { backend, put, stored };
    }
  }
}
