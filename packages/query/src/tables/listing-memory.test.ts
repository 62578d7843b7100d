import { createMemoryBackend, parseKey } from "@parquetry/core";
import type { ListOptions } from "@parquetry/core/backend";
import { expect, it } from "vitest";
import { type ListingMemory, rememberListings } from "./listing-memory.ts";
import { RecentListings } from "./recent-listings.ts";

const prefix = parseKey("raw/plays");

/** A store of that name, and what has happened: its listings, and what the test adds. */
async function watchedStore(name: string) {
  const inner = createMemoryBackend();
  await inner.put(parseKey("raw/plays/a.parquet"), new Uint8Array(4));
  const events: string[] = [];
  const recent = new RecentListings();
  const store = {
    ...inner,
    name,
    async *list(options: ListOptions) {
      events.push("list");
      yield* inner.list(options);
    },
  };
  return { inner, events, memory: () => rememberListings(store, { recent }) };
}

async function keysOf(memory: ListingMemory, delimiter?: "/"): Promise<string[]> {
  const keys: string[] = [];
  for await (const { objects } of memory.list({ prefix, ...(delimiter && { delimiter }) }))
    keys.push(...objects.map(({ key }) => key));
  return keys;
}

it.each([
  ["local", ["planned", "waiting", "list", "done"]],
  ["s3", ["list", "planned", "waiting", "done"]],
])("lists %s again when the thread is free, if listing takes the thread", async (name, expected) => {
  const { events, memory } = await watchedStore(name);
  const first = memory();
  await first.upToDate(
    () => keysOf(first),
    async () => {},
  );
  events.length = 0;
  const again = memory();
  const keys = await again.upToDate(
    async (_outdated, onWaiting) => {
      const found = await keysOf(again);
      await Promise.resolve();
      events.push("planned");
      onWaiting();
      events.push("waiting");
      await new Promise((resolve) => setTimeout(resolve, 20));
      events.push("done");
      return found;
    },
    async () => {},
  );
  expect(events).toEqual(expected);
  expect(keys).toEqual(["raw/plays/a.parquet"]);
});

it("lists a disk again also for what never waits, fails, or looks at a folder twice", async () => {
  const { inner, events, memory } = await watchedStore("local");
  const discard = async (): Promise<void> => {};
  const ask = (own: ListingMemory): Promise<string[]> =>
    own.upToDate(async () => [...(await keysOf(own)), ...(await keysOf(own, "/"))], discard);
  await ask(memory());
  events.length = 0;
  expect((await ask(memory())).length).toBe(2);
  expect(events).toEqual(["list", "list"]);

  await inner.put(parseKey("raw/plays/b.parquet"), new Uint8Array(4));
  const failing = memory();
  let runs = 0;
  const found = await failing.upToDate(async () => {
    const keys = await keysOf(failing);
    if (++runs === 1) throw new Error("the old files are gone");
    return keys;
  }, discard);
  expect(found).toEqual(["raw/plays/a.parquet", "raw/plays/b.parquet"]);
});
