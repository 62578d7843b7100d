import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryBackend, Storage } from "@parquetry/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openQuery, type QueryDatabase } from "../src/index.ts";

/** DuckDB makes these rows in an instant; as JavaScript values they would take minutes. */
const NESTED = Array.from({ length: 248 }, (_, i) => `[{'a': [range, ${i}], 'b': {'c': 'x'}}] AS c${i}`);
const WIDE = `SELECT ${NESTED.join(", ")} FROM range(60_000)`;
const LONG = "SELECT list_value(a, a, a, a, a, a, a, a) AS l FROM (SELECT range(20_000) AS a), range(400)";

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

  it.each([
    ["many nested columns", WIDE],
    ["long lists", LONG],
  ])("ends the conversion of %s at the timeout and at the signal", async (_, sql) => {
    await withDatabase(async (db) => {
      await expect(db.sql(sql, [], { timeoutMs: 1500 })).rejects.toMatchObject({ code: "timeout" });
      const signal = AbortSignal.timeout(1500);
      await expect(db.columns(sql, [], { timeoutMs: 60_000, signal })).rejects.toMatchObject({
        code: "aborted",
      });
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

it("lets timers fire while a batch is converted", async () => {
  await using db = await openQuery(new Storage(createMemoryBackend()), { cacheDirectory });
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const cursor = await db.open(WIDE.replace("60_000", "300"));
  const before = turns;
  for await (const rows of cursor) expect(rows).toHaveLength(300);
  clearInterval(timer);
  // One batch of 74,400 nested values: without pauses no timer would fire in it.
  expect(turns - before).toBeGreaterThan(10);
});
