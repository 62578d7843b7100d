import type { StorageBackend } from "@parquetry/core";
import { Actor } from "./actor.ts";

/** One reading beside one writer who got so far and no further. */
export interface Reading<R> {
  readonly read: R;
  readonly writerSteps: number;
  readonly backend: StorageBackend;
}

/**
 * Every way in which a reader's steps can fall between a writer's, with the writer killed after each of its steps. A
 * schedule is how many steps the writer has made before each step of the reader; after the reader's last step it makes
 * none, since a reader that is done cannot tell a dead writer from a slow one.
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

/** Two writers who are both done. */
export interface Race {
  readonly outcomes: readonly [Actor<unknown>["outcome"], Actor<unknown>["outcome"]];
  readonly order: string;
  readonly backend: StorageBackend;
}

/** Every order in which the steps of two writers can follow each other. */
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
    // The last step that was a's becomes b's, unless b has no step left to make there.
    const bSteps = b.steps;
    let at = order.lastIndexOf("a");
    while (at >= 0 && order.slice(0, at).filter((who) => who === "b").length >= bSteps)
      at = order.lastIndexOf("a", at - 1);
    if (at < 0) return;
    schedule = [...order.slice(0, at), "b"];
    if (at === 0 && order[0] === "b") return;
  }
}
