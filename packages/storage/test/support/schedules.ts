import type { StorageBackend } from "@parquetry/core";
import { Actor } from "./actor.ts";

/** A read concurrent with a write that was stopped after some steps. */
export interface Reading<R> {
  readonly read: R;
  readonly writerSteps: number;
  readonly backend: StorageBackend;
}

/**
 * Yields every interleaving of a reader's steps with a writer's, with the writer killed after each of its steps. A schedule is
 * the number of the writer's steps before each step of the reader. The writer makes no step after the reader's last one, since
 * a reader that is done cannot tell a dead writer from a slow one.
 */
export async function* everyReading<R>(
  open: () => Promise<StorageBackend>,
  write: (backend: StorageBackend) => Promise<unknown>,
  read: (backend: StorageBackend) => Promise<R>,
): AsyncGenerator<Reading<R>> {
  const rehearsal = new Actor(await open(), write);
  await rehearsal.finish();
  const writerSteps = rehearsal.steps;
  let schedule: number[] = [];
  for (;;) {
    const backend = await open();
    const writer = new Actor(backend, write);
    const reader = new Actor(backend, read);
    const made: number[] = [];
    while (reader.outcome === undefined) {
      const target = schedule[made.length] ?? made.at(-1) ?? 0;
      while (writer.steps < target && (await writer.step()));
      if (!(await reader.step())) break;
      made.push(target);
    }
    yield { read: await reader.finish(), writerSteps: writer.steps, backend };
    while ((made.at(-1) ?? 0) >= writerSteps && made.length > 0) made.pop();
    const last = made.pop();
    if (last === undefined) return;
    schedule = [...made, last + 1];
  }
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

/** Yields every interleaving of the steps of two writers. */
export async function* everyRace(
  open: () => Promise<StorageBackend>,
  first: (backend: StorageBackend) => Promise<unknown>,
  second: (backend: StorageBackend) => Promise<unknown>,
): AsyncGenerator<Race> {
  let schedule: ("a" | "b")[] = [];
  for (;;) {
    const backend = await open();
    const a = new Actor(backend, first);
    const b = new Actor(backend, second);
    const order: ("a" | "b")[] = [];
    for (;;) {
      const wanted = schedule[order.length] ?? "a";
      const other = wanted === "a" ? "b" : "a";
      const [one, two] = wanted === "a" ? [a, b] : [b, a];
      if (await one.step()) order.push(wanted);
      else if (await two.step()) order.push(other);
      else break;
    }
    yield { outcomes: [a.outcome, b.outcome], order: order.join(""), backend };
    // The last step of a becomes one of b, unless b has no more steps.
    const bSteps = b.steps;
    let at = order.lastIndexOf("a");
    while (at >= 0 && order.slice(0, at).filter((who) => who === "b").length >= bSteps)
      at = order.lastIndexOf("a", at - 1);
    if (at < 0) return;
    schedule = [...order.slice(0, at), "b"];
    if (at === 0 && order[0] === "b") return;
  }
}
