import { expect, it } from "vitest";
import { parseKey } from "../bytes/key.ts";
import { createMemoryBackend } from "../bytes/memory-backend.ts";
import { Storage } from "../table/storage.ts";
import { encodeCsv } from "./write-csv.ts";

const ROWS = Array.from({ length: 200_000 }, (_, i) => ({ i, name: `player ${i}`, yards: i / 7 }));
const storage = new Storage(createMemoryBackend());
await storage.backend.put(parseKey("a.csv"), await encodeCsv(ROWS));
await storage.backend.put(parseKey("t/year=2024/a.csv"), await encodeCsv(ROWS));

const readAll = async (batches: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of batches);
};

it.each<[string, (signal: AbortSignal) => Promise<unknown>]>([
  ["readCsv", (signal) => storage.readCsv("a.csv", { signal })],
  ["scanCsv", (signal) => readAll(storage.scanCsv("a.csv", { signal }))],
  ["scanCsv without types", (signal) => readAll(storage.scanCsv("a.csv", { signal, inferTypes: false }))],
  ["readIndex", (signal) => storage.readIndex("t", {}, { signal })],
  ["inspect", (signal) => storage.inspect("t", { signal })],
  ["writeCsv", (signal) => storage.writeCsv("b.csv", ROWS, { signal })],
])("%s ends when its signal is aborted while it decodes or encodes", async (_, run) => {
  const controller = new AbortController();
  let turns = 0;
  // The work lets the loop turn every few milliseconds; it is aborted in its second turn, long before its end.
  const timer = setInterval(() => ++turns === 2 && controller.abort(), 1);
  try {
    await expect(run(controller.signal)).rejects.toMatchObject({ code: "aborted" });
  } finally {
    clearInterval(timer);
  }
  expect(turns).toBeLessThan(50);
  expect(await storage.exists("b.csv")).toBe(false);
});
