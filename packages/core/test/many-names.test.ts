import { expect, it } from "vitest";
import { createMemoryBackend, parseKey, Storage } from "../src/index.ts";

/** More than V8 takes as the arguments of one call. */
const MANY = 150_000;

it.each([
  ["files of one folder", (i: number) => `raw/plays/${i}.parquet`, { partitions: 1, files: MANY }],
  ["partitions", (i: number) => `raw/plays/game=${i}/a.parquet`, { partitions: MANY, files: MANY }],
  [
    "files that belong to no partition",
    (i: number) => `raw/plays/${i === 0 ? "" : "year=1/other/"}${i}.parquet`,
    { partitions: 1, files: 1 },
  ],
])("inspects and repairs a table with 150,000 %s", async (_, keyOf, expected) => {
  const backend = createMemoryBackend();
  for (let i = 0; i < MANY; i++) await backend.put(parseKey(keyOf(i)), new Uint8Array(1));
  const storage = new Storage(backend);
  const { partitions, files, strays } = await storage.inspect("raw/plays");
  expect({ partitions, files }).toEqual(expected);
  expect(files + strays.length).toBe(MANY);
  expect((await storage.repair("raw/plays", { dryRun: true })).removed).toEqual([]);
});
