import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

/** DuckDB makes these rows in an instant; as JavaScript values they would take minutes. */
const NESTED = Array.from({ length: 248 }, (_, i) => `[{'a': [range, ${i}], 'b': {'c': 'x'}}] AS c${i}`);
const WIDE = `SELECT ${NESTED.join(", ")} FROM range(60_000)`;
const LONG = "SELECT range(first, first + 160_000) AS l FROM range(400) t(first)";

let cacheDirectory: string;

beforeAll(async () => {
  cacheDirectory = await mkdtemp(join(tmpdir(), "parquetry-conversion-"));
});

afterAll(() => rm(cacheDirectory, { recursive: true, force: true }));

describe.each([false, true])("isolate: %s", (isolate) => {
  const withDatabase = async (run: (db: QueryDatabase) => Promise<void>): Promise<void> => {
    await using db = await openQuery(new Storage(createMemoryBackend()), { cacheDirectory, isolate });
    await db.sql("SELECT 1");
    await run(db);
    expect((await db.sql("SELECT 1 AS a")).rows).toEqual([{ a: 1 }]);
  };

  it("ends the conversion of many nested columns at the timeout and at the signal", async () => {
    await withDatabase(async (db) => {
      await expect(db.sql(WIDE, [], { timeoutMs: 1500 })).rejects.toMatchObject({ code: "timeout" });
      const signal = AbortSignal.timeout(1500);
      await expect(db.columns(WIDE, [], { timeoutMs: 60_000, signal })).rejects.toMatchObject({
        code: "aborted",
      });
    });
  });

  it("ends the conversion of long lists at the signal", async () => {
    await withDatabase(async (db) => {
      const controller = new AbortController();
      const cursor = await db.open(LONG, [], { signal: controller.signal });
      let count = 0;
      const read = async (): Promise<void> => {
        for await (const rows of cursor) {
          count += rows.length;
          controller.abort();
        }
      };
      await expect(read()).rejects.toMatchObject({ code: "aborted" });
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThan(20);
    });
  });

  it("ends a stream at the timeout", async () => {
    await withDatabase(async (db) => {
      const stream = async (): Promise<void> => {
        for await (const batch of db.stream(WIDE, [], { timeoutMs: 3000 })) expect(batch).not.toEqual([]);
      };
      await expect(stream()).rejects.toMatchObject({ code: "timeout" });
    });
  });
});

it("lets timers fire while batches are converted", async () => {
  await using db = await openQuery(new Storage(createMemoryBackend()), { cacheDirectory });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const cursor = await db.open(WIDE.replace("60_000", "6_000"));
  const before = turns;
  let count = 0;
  for await (const rows of cursor) count += rows.length;
  expect(count).toBe(6_000);
  clearInterval(timer);
  // 1,488,000 nested values: without pauses no timer would fire in it.
  expect(turns - before).toBeGreaterThan(10);
});
