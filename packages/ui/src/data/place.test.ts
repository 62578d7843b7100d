import {
  createMemoryBackend,
  isStorageError,
  partition,
  Storage,
  type StorageBackend,
} from "@parquetry/core";
import { expect, it } from "vitest";
import { Place } from "./place.ts";
import type { TableSummary } from "./table-tree.ts";

/** A place with one table that is not inspected yet, whose reads wait for the gate. */
async function gatedPlace(): Promise<{
  readonly place: Place;
  readonly table: TableSummary;
  /** The reads so far. */
  reads(): number;
  open(): void;
}> {
  const memory = createMemoryBackend();
  await new Storage(memory).write("raw/plays", [{ yards: 7 }], partition({ week: 1 }));
  let reads = 0;
  let open = (): void => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const backend: StorageBackend = {
    ...memory,
    async get(key, options) {
      reads++;
      await gate;
      return memory.get(key, options);
    },
  };
  const place = new Place(new Storage(backend));
  await expect.poll(() => place.state.isDone).toBe(true);
  const table = place.tree.tables.get("raw/plays");
  if (table === undefined) throw new Error("nothing was listed");
  // The inspection of the background reads, too.
  await expect.poll(() => reads).toBe(1);
  return { place, table, reads: () => reads, open };
}

it("reads a table once for everyone who asks for its report", async () => {
  const { place, table, reads, open } = await gatedPlace();
  const { signal } = new AbortController();
  const asked = [place.inspect(table, signal), place.inspect(table, signal)];
  open();
  const [one, other] = await Promise.all(asked);
  expect(one).toMatchObject({ partitions: 1 });
  expect(one).toBe(other);
  expect(await place.inspect(table, signal)).toBe(one);
  expect(reads()).toBe(1);
  await place.close();
});

it("goes on for those who still wait when another one has gone, who does not wait", async () => {
  const { place, table, open } = await gatedPlace();
  const gone = new AbortController();
  const first = place.inspect(table, gone.signal).catch((error: unknown) => error);
  const second = place.inspect(table, new AbortController().signal);
  gone.abort();
  expect(isStorageError(await first, "aborted")).toBe(true);
  // It began the read that the other one waits for.
  const closing = place.close();
  open();
  await closing;
  expect(await second).toMatchObject({ partitions: 1 });
});
